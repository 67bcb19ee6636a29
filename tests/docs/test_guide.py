"""The committed guide is what Zensical builds from docs/: strictly, and the same each time."""

from pathlib import Path

import pytest

from tools.docs import site

GUIDE = site.GUIDE
MAX_BYTES = 4 * 1024 * 1024


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_what_docs_say(tmp_path: Path) -> None:
    site.build(tmp_path)
    built, committed = files(tmp_path), files(GUIDE)
    assert built.keys() == committed.keys()
    assert [name for name in built if built[name] != committed[name]] == []


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "index.md"
    page.parent.mkdir()
    page.write_text("# Guide\n\n[nowhere](nothing.md)\n", "utf-8")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nnav: [{Guide: index.md}]\n", "utf-8")
    with pytest.raises(site.BuildFailed, match="page does not exist"):
        site.run_zensical(tmp_path)


def test_no_file_is_too_large() -> None:
    assert {name: len(text) for name, text in files(GUIDE).items() if len(text) >= MAX_BYTES} == {}
