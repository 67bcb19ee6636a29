"""docs/llms.txt and docs/llms-full.txt (https://llmstxt.org): the documentation for language models."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.docs.generated import DOCS, PROJECT

INDEX, WHOLE = DOCS / "llms.txt", DOCS / "llms-full.txt"

_HEAD = """\
# Jobsprint Integrations

> A serverless API that connects your users' tools, runs actions in them, and delivers events as signed webhooks.

Every page is Markdown at its address with `.md` in place of `.html`. `llms-full.txt` has all pages below in one file.
The OpenAPI 3.1 document of the API is `/v1/openapi.json` of the service.
"""
_OPTIONAL = """
## Optional

- [Whole documentation](llms-full.txt): all pages in one file
- [OpenAPI document](../openapi.json): every operation, request and answer
"""


@dataclass(frozen=True)
class Page:
    """A page of the navigation: the section it is in, its title there, and its path below docs/."""

    section: str
    title: str
    path: str

    @property
    def text(self) -> str:
        """Its Markdown, without the comments that mark generated parts."""
        return re.sub(r"<!-- (?:end of )?generated:\S+ -->\n+", "", (DOCS / self.path).read_text("utf-8"))


def navigation() -> list[Page]:
    """The pages of mkdocs.yml in their order."""
    config = yaml.safe_load((PROJECT / "mkdocs.yml").read_text("utf-8"))
    return list(_pages(config["nav"], "Start"))


def _pages(entries: list[dict[str, Any]], section: str) -> Iterator[Page]:
    for entry in entries:
        [(title, target)] = entry.items()
        if isinstance(target, str):
            yield Page(section, title, target)
        else:
            yield from _pages(target, title)


def index() -> str:
    """llms.txt: a line for each page but the overview, which says what each of them is about."""
    parts, section, said = [_HEAD], "", descriptions()
    for page in navigation():
        if page.section != section:
            section = page.section
            parts.append(f"\n## {section}\n\n")
        if page.path in said:
            parts.append(f"- [{page.title}]({page.path}): {said[page.path]}\n")
    return "".join([*parts, _OPTIONAL])


def whole() -> str:
    """llms-full.txt: the pages one after the other."""
    return _HEAD + "".join(f"\n---\n\nPage: {page.path}\n\n{page.text.strip()}\n" for page in navigation())


def descriptions() -> dict[str, str]:
    """What docs/index.md says about each page, by its path."""
    text = (DOCS / "index.md").read_text("utf-8")
    return dict(re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \| (.+) \|$", text, re.MULTILINE))


def write() -> None:
    """Write both files."""
    INDEX.write_text(index(), "utf-8")
    WHOLE.write_text(whole(), "utf-8")


def files() -> dict[Path, str]:
    """Both files, and what has to be in them."""
    return {INDEX: index(), WHOLE: whole()}
