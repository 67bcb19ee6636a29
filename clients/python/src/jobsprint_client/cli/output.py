"""What commands print: JSON for programs, tables and lists for people, progress beside them on standard error."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

_MAX_CELL, _GAP = 40, 2
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STYLES = {
    **dict.fromkeys(("delivered", "connected", "success", "succeeded", "done", "healthy", "ok"), "green"),
    **dict.fromkeys(("pending", "retrying", "running", "queued", "warning", "cancelled"), "yellow"),
    **dict.fromkeys(("exhausted", "discarded", "error", "failed", "unknown", "unhealthy", "disconnected"), "red"),
}


def clean(text: str) -> str:
    """A text that cannot command the terminal: control characters are shown as `\\x1b`."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def print_json(value: Any, *, line: bool = False) -> None:
    """One document, or one line of JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=None if line else 2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a lone surrogate, or a terminal of another encoding
        text = json.dumps(value, indent=None if line else 2)
    # JSON escapes what is below U+0020; the others command some terminals too.
    click.echo(re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def say(text: str = "", style: str = "") -> None:
    """A line for people on standard output."""
    print_line(Text(clean(text), style=style))


def styled(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=_STYLES.get(state.strip(), ""))


def print_line(text: Text) -> None:
    """A clean line with styles, which a terminal alone gets."""
    if sys.stdout.isatty():
        _console().print(text, soft_wrap=True)
        sys.stdout.flush()
    else:
        click.echo(_printable(text.plain))


def note(text: str) -> None:
    """A line beside the output, on standard error."""
    click.echo(clean(text), err=True)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table on a terminal, as far as its columns fit; else as lines of whole cells with tabs between them."""
    shown = [name for name in columns if any(row.get(name) is not None for row in rows)]
    cells = [[cell(row.get(name)) for name in shown] for row in rows]
    if not sys.stdout.isatty():
        for line in cells:
            click.echo(_printable("\t".join(line)))
        return
    console = _console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for at in range(_fitting(shown, cells, console.width)):
        table.add_column(
            heading(shown[at]), no_wrap=True, overflow="ellipsis", max_width=None if at == 0 else _MAX_CELL
        )
    for line in cells:
        table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in line[: len(table.columns)]))
    console.print(table)


def print_details(value: Any) -> None:
    """An object for people: a field a line, objects within it indented. Of a list each with an empty line between."""
    for at, each in enumerate(value if isinstance(value, list) else [value]):
        if at:
            say()
        for label, text in _lines(each, ""):
            print_line(Text(label) + styled(text))


def cell(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        simple = all(isinstance(each, str | int | float) for each in value)
        return ", ".join(map(cell, value)) if simple else str(len(value))
    if isinstance(value, dict):
        return " ".join(f"{name}={cell(each)}" for name, each in value.items() if each not in (0, None))
    return re.sub(r"\s+", " ", clean(str(value)))


def heading(name: str) -> str:
    """A column's name as words: `CREATED AT`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).upper()


@contextmanager
def progress(text: str, total: int | None = None, *, shown: bool = True) -> Iterator[Callable[[float, str], None]]:
    """A bar on a terminal's standard error; what is given sets how far it is, and the text beside it."""
    if not (shown and sys.stderr.isatty()):
        yield lambda done, said: None  # noqa: ARG005 - nobody looks
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *([BarColumn()] if total else []))
    with Progress(*columns, console=_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(text, total=total)

        def update(done: float, said: str) -> None:
            bar.update(task, completed=done, description=said)

        yield update


def _fitting(names: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    """How many columns fit, two at least."""
    used = 0
    for at, name in enumerate(names):
        widest = max(cell_len(heading(name)), *(cell_len(line[at]) for line in cells))
        used += (widest if at == 0 else min(widest, _MAX_CELL)) + (_GAP if at else 0)
        if used > width and at >= 2:
            return at
    return len(names)


def _lines(value: Any, indent: str) -> Iterator[tuple[str, str]]:
    """The lines of a value, each as what stands before its text, and the text."""
    if not isinstance(value, dict):
        yield indent, cell(value)
        return
    for name, each in value.items():
        label = f"{indent}{cell(name)}:"
        if isinstance(each, dict) and each:
            yield label, ""
            yield from _lines(each, indent + "  ")
        elif isinstance(each, list) and any(isinstance(one, dict) for one in each):
            yield label, ""
            for one in each:
                first, *others = _lines(one, indent + "    ") if one else [(indent, "")]
                yield f"{indent}  - {first[0].lstrip()}", first[1]
                yield from others
        elif isinstance(each, str) and "\n" in each:
            yield label, ""
            yield from ((f"{indent}  ", clean(line)) for line in each.splitlines())
        else:
            yield f"{label} ", cell(each)


def _console(file: Any = None) -> Console:
    return Console(file=file or sys.stdout, highlight=False, markup=False, emoji=False)


def _printable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
