"""Lists: a page, or every page, as a table, as one document, or an item a line."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from jobsprint_client._call import Call
from jobsprint_client.cli.output import note, print_json, print_table, progress
from jobsprint_client.client import Client


def show(
    client: Client, call: Call[Any], columns: Sequence[str], *, every: bool, cursor: str | None, as_json: bool
) -> None:
    """Print the list that a call gives."""
    if as_json and every:
        _print_lines(client, call, cursor)
    elif as_json:
        print_json(next(pages(client, call, cursor)))
    elif every:
        _print_rows(_all_rows(client, call, cursor), columns, more=False)
    else:
        answer = next(pages(client, call, cursor))
        _print_rows(answer.get("data", []), columns, more=bool(next_cursor(answer)))


def pages(client: Client, call: Call[Any], cursor: str | None = None) -> Iterator[dict[str, Any]]:
    """The answers to a call, one for each page."""
    while True:
        answer = client.answer(replace(call, query={**call.query, "cursor": cursor}))
        yield answer
        cursor = next_cursor(answer)
        if not cursor:
            return


def next_cursor(answer: dict[str, Any]) -> str | None:
    """What the next page begins with; None on the last one."""
    found: str | None = answer.get("pagination", {}).get("nextCursor")
    return found


def _print_lines(client: Client, call: Call[Any], cursor: str | None) -> None:
    """Print an item a line as they come; a bar would be among the lines where both are on the terminal."""
    count = 0
    with progress("Reading", shown=not sys.stdout.isatty()) as update:
        for answer in pages(client, call, cursor):
            for item in answer.get("data", []):
                print_json(item, line=True)
            count += len(answer.get("data", []))
            update(count, f"Reading: {count} so far")


def _all_rows(client: Client, call: Call[Any], cursor: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with progress("Reading") as update:
        for answer in pages(client, call, cursor):
            rows += answer.get("data", [])
            update(len(rows), f"Reading: {len(rows)} so far")
    return rows


def _print_rows(rows: list[dict[str, Any]], columns: Sequence[str], *, more: bool) -> None:
    if rows:
        print_table(rows, columns)
    else:
        note("Nothing on this page." if more else "Nothing found.")
    if more:
        note("There is more: --all shows everything.")
