"""The built guide in functions/get_docs/guide: Zensical's pages, their Markdown beside them, and what they load.

The guide is committed, so that neither a deployment nor the local stack needs Zensical. A fast test compares its
`sources.json` with docs/; tests/docs/test_guide.py builds it again.
"""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from tools.docs.generated import DOCS, PROJECT, pages
from tools.docs.llms import INDEX, WHOLE

GUIDE = PROJECT / "functions" / "get_docs" / "guide"
SOURCES = "sources.json"
CONFIG = PROJECT / "mkdocs.yml"
REQUIREMENTS = PROJECT / "requirements" / "docs.txt"

_WORK = PROJECT / ".local" / "guide"
_ZENSICAL = PROJECT / ".local" / "docs-python" / "bin" / "zensical"
# The function answers with text.
_TEXT = (".html", ".css", ".js", ".json", ".svg", ".txt", ".md")
_UNUSED = ("sitemap.xml", "404.html")


class BuildFailed(Exception):
    """Zensical found something wrong, or is not installed; the message has what it printed."""


def build(target: Path = GUIDE) -> None:
    """Build the guide into a folder, in place of what is there. Raises BuildFailed."""
    site = _built()
    shutil.rmtree(target, ignore_errors=True)
    for name in _UNUSED:
        (site / name).unlink()
    loaded = {path for page in site.rglob("*.html") for path in _loads(page, site)}
    for file in sorted(path for path in site.rglob("*") if path.is_file()):
        name = file.relative_to(site).as_posix()
        wanted = not name.startswith("assets/") or name in loaded or "/workers/" in name
        if wanted and file.suffix in _TEXT:
            _copy(file, target / name)
    for page in pages():
        _copy(page, target / page.relative_to(DOCS))
    _copy(DOCS / "adr" / "README.md", target / "adr" / "index.md")  # it is adr/index.html
    (target / SOURCES).write_text(json.dumps(sources(), indent=1) + "\n", "utf-8")


def sources() -> dict[str, str]:
    """A digest of every file that the guide is built from, by its path in the project."""
    files = [REQUIREMENTS, *_inputs()]
    return {
        file.relative_to(PROJECT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in sorted(files)
    }


def _inputs() -> list[Path]:
    return [CONFIG, INDEX, WHOLE, *pages(), *DOCS.glob("images/*"), *DOCS.glob("stylesheets/*")]


def run_zensical(folder: Path) -> Path:
    """Build the site of the mkdocs.yml in a folder strictly, and give its place. Raises BuildFailed."""
    if not _ZENSICAL.exists():
        raise BuildFailed("Zensical is not installed; `make docs` does that")
    built = subprocess.run(
        [str(_ZENSICAL), "build", "--strict", "--clean"], cwd=folder, capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise BuildFailed(re.sub(r"\x1b\[[0-9;]*m", "", built.stdout + built.stderr))
    return folder / "site"


def _built() -> Path:
    """Zensical's output for a copy of the documentation: it writes a cache beside its configuration."""
    shutil.rmtree(_WORK, ignore_errors=True)
    for file in _inputs():
        _copy(file, _WORK / file.relative_to(PROJECT))
    return run_zensical(_WORK)


def _loads(page: Path, site: Path) -> set[str]:
    """The files of the site that a page loads, by their path in it."""
    found = re.findall(r'(?:href|src)="([^"#?:]+)"', page.read_text("utf-8"))
    return {(page.parent / link).resolve().relative_to(site.resolve()).as_posix() for link in found if link != "."}


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
