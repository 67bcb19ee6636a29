"""The commands of docs/first-deploy.md and docs/runbook.md: they parse, and what they name exists."""

import re
import subprocess

import pytest

from tests.support.template import ROOT, template

PAGES = ("first-deploy.md", "runbook.md")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


def blocks(page: str) -> list[str]:
    """The shell commands of a page, without the indentation of lists."""
    found = re.findall(r"^( *)```sh\n(.*?)^\1```", text(page), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_are_shell(page: str) -> None:
    assert len(blocks(page)) > 10
    for block in blocks(page):
        # What a person fills in, such as <UUID>, is no redirection.
        filled_in = re.sub(r"<[^>\n]+>|…", "x", block)
        checked = subprocess.run(["bash", "-n"], input=filled_in, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, f"{block}\n{checked.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_what_they_name_is_in_the_template(page: str) -> None:
    outputs = set(re.findall(r"\$\((?:out|queue) (\w+)\)", text(page)))
    assert outputs <= template()["Outputs"].keys()
    assert set(re.findall(r"\$\(id (\w+)\)", text(page))) <= template()["Resources"].keys()
    given = re.findall(r'PARAMS=("[^"]+"|\w+=\S+)', text(page))
    said = {name for pairs in given for name in re.findall(r"(\w+)=", pairs)}
    assert said <= template()["Parameters"].keys()


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_of_make_exist(page: str) -> None:
    assert set(re.findall(r"\bmake (?:-s )?([a-z-]+)", "\n".join(blocks(page)))) <= TARGETS


def test_the_first_hour_has_what_only_aws_can_show() -> None:
    hour = text("first-deploy.md").partition("## The first hour")[2].partition("\n## ")[0]
    checks = re.findall(r"^- \[ \] \*\*(.+?)\*\*(.*?)(?=^- \[ \]|\Z)", hour, re.MULTILINE | re.DOTALL)
    names = [name.rstrip(".,") for name, _ in checks]
    for wanted in (
        "Quotas",
        "Two stages in one account and Region",
        "A new token, used at once",
        "A failing beside a good webhook, and its alarms",
        "The dispatcher after idle minutes",
        "What a second deployment republishes",
        "SnapStart's cold starts and cost",
    ):
        assert wanted in names
    for name, body in checks:
        assert name.startswith("SnapStart") or ("```sh" in body and "xpect" in body), name
