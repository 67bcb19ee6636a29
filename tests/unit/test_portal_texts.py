"""The portal's texts: every language has all of them, and no page has one beside them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "portal" / "src"
LOCALES = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "locales").glob("*.json")}
ENGLISH = LOCALES["en"]
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.rglob("*.ts*")}
# Names of programs, codes and units, which no language translates.
UNTRANSLATED = re.compile(r"p50|p95|true|false|&nbsp;|\W*")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_there_are_six_languages() -> None:
    assert sorted(LOCALES) == ["de", "en", "es", "fr", "ja", "pt-BR"]


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_a_language_has_every_text(language: str) -> None:
    texts = LOCALES[language]
    assert list(texts) == list(ENGLISH)
    assert [key for key, text in texts.items() if not text.strip()] == []
    assert [key for key, text in texts.items() if placeholders(text) != placeholders(ENGLISH[key])] == []


@pytest.mark.parametrize("language", sorted(set(LOCALES) - {"en"}))
def test_a_language_is_not_english(language: str) -> None:
    same = [key for key, text in LOCALES[language].items() if text == ENGLISH[key] and len(text.split()) > 2]
    assert same == []


def test_every_text_is_used() -> None:
    code = "\n".join(SOURCES.values())
    families = set(re.findall(r"label\(\s*'(\w+)'", code)) | {"ended", "type", "state", "recover"}
    counted = set(re.findall(r"counted\('([\w.]+)'", code))
    unused = [
        key
        for key in ENGLISH
        if f"'{key}'" not in code and key.split(".")[0] not in families and re.sub(r"_\w+$", "", key) not in counted
    ]
    assert unused == []


def texts_in_markup() -> Iterator[tuple[str, str]]:
    """What stands between tags, which only the catalogue may say."""
    for name, source in SOURCES.items():
        if name.endswith(".tsx"):
            for text in re.findall(r"<(?:[a-z]\w*|[A-Z]\w*)(?:\s[^<>{}]*)?>([^<>{}]+)</", source):
                yield name, text.strip()


def test_no_page_has_a_text_of_its_own() -> None:
    assert [(name, text) for name, text in texts_in_markup() if not UNTRANSLATED.fullmatch(text)] == []
