"""The documentation: what it takes from the source is up to date, its links lead somewhere, and its commands exist."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.test_api_contract import contract
from tests.support.template import LAYER, ROOT
from tools.docs import generated, llms, site

MAX_README_LINES = 120
MAX_FILE_BYTES = 4 * 1024 * 1024
UPDATE = "run `make docs`"
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *generated.pages()]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
ROW = re.compile(r"^\| (`[a-z0-9_]+`(?:, `[a-z0-9_]+`)*) \| ([0-9]{3}(?:, [0-9]{3})*) \|", re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and Python-Markdown make them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", title).strip().lower() for title in titles)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title)) for title in plain}


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page)) + re.findall(r"^\[[^]]+\]: (\S+)$", prose(page), re.MULTILINE)


# --- what is generated ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", generated.pages(), ids=name)
def test_what_a_page_takes_from_the_source_is_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text == generated.filled(text), UPDATE


def test_every_generated_block_is_in_a_page() -> None:
    used = {block for page in generated.pages() for block in re.findall(r"<!-- generated:(\S+) -->", page.read_text())}
    assert used == set(generated.BLOCKS)


def test_a_change_of_the_source_is_found() -> None:
    page = ROOT / "docs" / "reference" / "limits.md"
    changed = page.read_text("utf-8").replace("256 KB; 200 KB; 25", "256 KB; 200 KB; 26")
    assert changed != page.read_text("utf-8")
    assert generated.filled(changed) == page.read_text("utf-8")


@pytest.mark.parametrize("file", llms.files(), ids=name)
def test_the_files_for_language_models_are_up_to_date(file: Path) -> None:
    assert file.read_text("utf-8") == llms.files()[file], UPDATE


def test_the_built_guide_is_that_of_these_sources() -> None:
    """`make test-docs` builds it again and compares every file."""
    assert json.loads((site.GUIDE / site.SOURCES).read_text("utf-8")) == site.sources(), UPDATE


def test_every_page_is_in_the_navigation_and_described() -> None:
    listed = [page.path for page in llms.navigation()]
    written = {page.relative_to(generated.DOCS).as_posix() for page in generated.pages()}
    assert sorted(listed) == sorted(path for path in written if not re.fullmatch(r"adr/\d{4}-.*", path))
    assert set(listed) - {"index.md"} == {path for path in llms.descriptions() if path != "index.md"}


# --- errors -----------------------------------------------------------------------------------------------------------


def test_errors_have_the_codes_and_statuses_of_the_contract() -> None:
    """Its own tests hold the contract's codes against the code."""
    explained = {code: set(of["status"]) for codes in generated.errors().values() for code, of in codes.items()}
    promised = {
        code: set(map(int, statuses.split(", ")))
        for codes, statuses in ROW.findall(contract())
        for code in re.findall(r"\w+", codes)
    }
    assert explained == promised


def test_every_error_has_one_cause_and_one_remedy() -> None:
    codes = [code for codes in generated.errors().values() for code in codes]
    assert len(codes) == len(set(codes))
    for of in (of for codes in generated.errors().values() for of in codes.values()):
        assert of.keys() == {"status", "cause", "remedy"}
        assert of["cause"]
        assert of["remedy"]
        assert not of["cause"].endswith(".")
        assert not of["remedy"].endswith(".")


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name(page)}: {link}"
        if page.is_relative_to(generated.DOCS):
            assert target.is_relative_to(generated.DOCS), f"{name(page)}: {link} is not in the built guide"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page: Path) -> None:
    written = "\n".join(re.findall(r"`(make [^`\n]+)`", page.read_text("utf-8")))
    fenced = "\n".join(re.findall(r"```(?:ba)?sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    assert set(re.findall(r"^ *make (?:-s )?([a-z0-9-]+)", written + "\n" + fenced, re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_images_are_ours_and_svg(page: Path) -> None:
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text("utf-8"))
    assert [image for image in images if "://" in image or not image.endswith(".svg")] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tables_have_the_cells_of_their_head(page: Path) -> None:
    """A bar that is not escaped, or a forgotten cell, shifts a row."""
    head = 0
    for line in prose(page).splitlines():
        if not line.startswith("|"):
            head = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        head = head or cells
        assert cells == head, f"{name(page)}: {line}"


def test_the_guide_counts_the_applications_of_the_catalogue() -> None:
    listed = (LAYER / "jobsprint" / "catalog" / "applications.txt").read_text("utf-8").splitlines()
    count = len([line for line in listed if line and not line.startswith("#")])
    assert f"has {count} applications" in (generated.DOCS / "guides" / "connect.md").read_text("utf-8")


def test_no_file_is_too_large() -> None:
    files = [path for path in generated.DOCS.rglob("*") if path.is_file()]
    assert [name(path) for path in files if path.stat().st_size >= MAX_FILE_BYTES] == []
