"""The decision records: numbered without gaps, complete, listed in the index, and with links that resolve."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.template import ROOT

RECORDS = ROOT / "docs" / "adr"
HEADINGS = ("Context", "Decision", "Consequences")

_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
_TITLE = re.compile(r"# (\d{4})\. (\S.*)")
_STATUS = re.compile(r"^- Status: (.+)$", re.MULTILINE)
_DATE = re.compile(r"^- Date: \d{4}-\d{2}-\d{2}$", re.MULTILINE)
_SUPERSEDED = re.compile(r"superseded by \[(\d{4})\]\((\1-[a-z0-9-]+\.md)\)")
_LINK = re.compile(r"\]\(([^)#:]+\.md)\)")


def problems(folder: Path) -> list[str]:
    """Every rule that a file in `folder` breaks, as `<file>: <problem>`."""
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    return _numbering(records) + _index(folder, records) + [problem for path in records for problem in _record(path)]


def _numbering(records: list[Path]) -> list[str]:
    expected = [f"{number:04}" for number in range(1, len(records) + 1)]
    return [
        f"{path.name}: should be number {number}"
        for path, number in zip(records, expected, strict=True)
        if not _NAME.fullmatch(path.name) or path.name[:4] != number
    ]


def _index(folder: Path, records: list[Path]) -> list[str]:
    rows = (folder / "README.md").read_text("utf-8").splitlines()
    return [f"{path.name}: its row in the index is missing or differs" for path in records if _row(path) not in rows]


def _row(path: Path) -> str:
    """The index row of a record."""
    text = path.read_text("utf-8")
    title, status, date = _TITLE.match(text), _STATUS.search(text), _DATE.search(text)
    cells = (title and title[2], status and status[1], date and date[0].removeprefix("- Date: "))
    return " | ".join((f"| [{path.name[:4]}]({path.name})", *(cell or "?" for cell in cells))) + " |"


def _record(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    title, status = _TITLE.match(text), _STATUS.search(text)
    found = []
    if not title or title[1] != path.name[:4]:
        found.append("the title does not begin with its number")
    if not status or not (status[1] == "accepted" or _SUPERSEDED.fullmatch(status[1])):
        found.append("the status is neither accepted nor superseded by a linked record")
    if not _DATE.search(text):
        found.append("no date")
    found += [f"no section {name}" for name in HEADINGS if f"\n## {name}\n" not in text]
    found += [
        f"a link to {target} leads nowhere" for target in _LINK.findall(text) if not (path.parent / target).is_file()
    ]
    return [f"{path.name}: {problem}" for problem in found]


def test_the_records_are_complete() -> None:
    assert len(list(RECORDS.glob("[0-9]*.md"))) > 1
    assert problems(RECORDS) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("## Consequences\n", "## Results\n", "no section Consequences"),
        ("- Status: accepted", "- Status: maybe", "the status is neither accepted nor superseded by a linked record"),
        (
            "- Status: accepted",
            "- Status: superseded by [0002](0002-nothing.md)",
            "a link to 0002-nothing.md leads nowhere",
        ),
        ("- Date: ", "- Day: ", "no date"),
        ("# 0001. ", "# 0007. ", "the title does not begin with its number"),
    ],
)
def test_a_broken_record_is_found(tmp_path: Path, old: str, new: str, problem: str) -> None:
    copy = tmp_path / "adr"
    shutil.copytree(RECORDS, copy)
    [first] = copy.glob("0001-*.md")
    first.write_text(first.read_text("utf-8").replace(old, new, 1), "utf-8")

    assert f"{first.name}: {problem}" in problems(copy)


def test_a_gap_in_the_numbers_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "adr"
    shutil.copytree(RECORDS, copy)
    [first] = copy.glob("0001-*.md")
    first.unlink()

    assert any(problem.startswith("0002-") and problem.endswith("should be number 0001") for problem in problems(copy))


def test_a_record_that_the_index_omits_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "adr"
    shutil.copytree(RECORDS, copy)
    (copy / "README.md").write_text("# Architecture Decision Records\n", "utf-8")

    assert len(problems(copy)) == len(list(copy.glob("[0-9]*.md")))
