"""`jobsprint tail`: deliveries and logs as they happen."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic, sleep
from typing import Any

import click
from rich.text import Text

from jobsprint_client._call import Call, segment
from jobsprint_client.cli.commands import key_of, option_for
from jobsprint_client.cli.failures import said
from jobsprint_client.cli.feeds import Feed, Item
from jobsprint_client.cli.lists import pages
from jobsprint_client.cli.operations import Operation, resources
from jobsprint_client.cli.output import cell, note, print_json, print_line, styled
from jobsprint_client.cli.session import Session
from jobsprint_client.client import Client
from jobsprint_client.errors import ConnectionFailed, NotFound, RateLimited, ServerError

_OWNERS_SECONDS = 30
_SECONDS_PER_LIST = 0.25
_LONGEST_PAUSE = 30.0
_NO_FILTERS = ("limit", "fromDate", "toDate")


@dataclass(frozen=True)
class Source:
    """Something to follow: a list that each of its owners has."""

    name: str
    help: str
    operation: tuple[str, str]
    """Resource and command of the list."""
    owners: str
    """Path of the list of its owners."""
    owner: str
    identity: str
    time: str
    line: Callable[[Item, str], Text]
    local: tuple[str, ...] = ()
    """Filters that are applied here: an item has to be seen before it changes to what they ask for."""


def _fits(item: Item, wanted: Mapping[str, Any]) -> bool:
    """Whether a delivery passes the filters by state, and by one and the same attempt."""
    if wanted.get("state") and item["state"] != wanted["state"]:
        return False
    code, failure = wanted.get("codeClass"), wanted.get("failure")
    return not (code or failure) or any(
        (not code or _code_class(attempt) == code) and (not failure or attempt.get("failure") == failure)
        for attempt in item["attempts"]
    )


def _code_class(attempt: Mapping[str, Any]) -> str:
    status = attempt.get("httpStatus")
    return f"{status // 100}xx" if status else "none"


# --- lines -----------------------------------------------------------------------------------------------------------


def _delivery(item: Item, owner: str) -> Text:
    last = item["attempts"][-1] if item["attempts"] else {}
    parts = [f"attempt {last['attempt']}"] if last else []
    parts += [str(last[name]) for name in ("httpStatus", "failure") if last.get(name)]
    parts += [f"{last['durationMs']} ms"] if last else []
    parts += [f"next at {_clock(item['nextAttemptAt'])}"] if item.get("nextAttemptAt") else []
    return _line(item["createdAt"], item["state"], item["event"], ", ".join(parts), owner, item["id"])


def _log(item: Item, owner: str) -> Text:
    output = item.get("output")
    error = output.get("error") if isinstance(output, dict) else None
    message = error.get("message", "") if isinstance(error, dict) and item["status"] != "success" else ""
    parts = [f"{item['executionTime']} ms", *([message] if message else [])]
    return _line(item["timestamp"], item["status"], item["action"], ", ".join(parts), owner, item["logId"])


def _line(time: str, state: str, name: str, said: str, owner: str, identity: str) -> Text:
    return Text("  ").join(
        [Text(_clock(time)), styled(f"{cell(state):<9}"), Text(cell(name), style="bold")]
        + [Text(cell(text)) for text in (said, f"{owner} {identity}")]
    )


def _clock(text: str) -> str:
    """A time of the API on this machine's clock."""
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return text


_SOURCES = (
    Source(
        name="deliveries",
        help="Follow the deliveries of webhooks, all of them where none is named. A delivery is printed again whenever "
        "its state or its attempts change.",
        operation=("webhooks", "list-deliveries"),
        owners="/integrations/webhooks",
        owner="webhookId",
        identity="id",
        time="createdAt",
        line=_delivery,
        local=("state", "codeClass", "failure"),
    ),
    Source(
        name="logs",
        help="Follow the logs of integrations, all of them where none is named: their actions and tests.",
        operation=("integrations", "list-logs"),
        owners="/integrations",
        owner="integrationId",
        identity="logId",
        time="timestamp",
        line=_log,
    ),
)


# --- following -------------------------------------------------------------------------------------------------------


class Follower:
    """The lists of all owners that are followed."""

    def __init__(
        self, client: Client, source: Source, path: str, filters: Mapping[str, Any], owners: tuple[str, ...]
    ) -> None:
        self._client, self._source, self._path, self._filters = client, source, path, filters
        self._owners = owners
        self._feeds: dict[str, Feed] = {}
        self._listed = 0.0

    def begin(self, count: int) -> list[Item]:
        """The last items of all lists together."""
        self._find_owners()
        items = [item for owner in list(self._feeds) for item in self._of(owner, lambda feed: feed.begin(count))]
        return sorted(items, key=lambda item: str(item[self._source.time]))[-count:] if count else []

    def look(self) -> Iterator[Item]:
        """What is new."""
        new = self._find_owners()
        for owner in list(self._feeds):
            yield from self._of(owner, lambda feed: feed.look(), began=owner not in new)

    @property
    def pause(self) -> float:
        """Seconds that a look at so many lists should at least be apart from the next."""
        return _SECONDS_PER_LIST * len(self._feeds)

    def _of(self, owner: str, read: Callable[[Feed], list[Item]], *, began: bool = True) -> list[Item]:
        """What a list gives, each item with its owner. One that was deleted is left out, unless it was asked for."""
        feed = self._feeds[owner]
        try:
            return [{**feed.owner, **item} for item in (read(feed) if began else feed.begin(20))]
        except NotFound:
            if self._owners:
                raise
            del self._feeds[owner]
            return []

    def _find_owners(self) -> set[str]:
        """Make a feed for each owner that has none; those that are new since the last time."""
        if self._feeds and (self._owners or monotonic() - self._listed < _OWNERS_SECONDS):
            return set()
        self._listed = monotonic()
        names = self._owners or tuple(
            item["id"]
            for answer in pages(self._client, Call("GET", self._source.owners, object, query={"limit": 100}))
            for item in answer.get("data", [])
            if item.get("type") != "webhook"  # its logs are its deliveries
        )
        new = set(names) - self._feeds.keys()
        for name in new:
            path = self._path.replace(f"{{{self._source.owner}}}", segment(name))
            sent = {key: value for key, value in self._filters.items() if key not in self._source.local}
            feed = Feed(
                client=self._client,
                call=Call("GET", path, object, query=sent),
                filtered=Call("GET", path, object, query=self._filters),
                identity=self._source.identity,
                time=self._source.time,
                owner={self._source.owner: name},
            )
            self._feeds[name] = feed
        return new


def _follow(source: Source, operation: Operation, **values: Any) -> None:
    session = click.get_current_context().ensure_object(Session)
    given = {option.name: values[key_of("query", option)] for option in _filters(operation)}
    follower = Follower(session.client(), source, operation.path, given, values["owners"])
    try:
        found: Iterable[Item] = follower.begin(values["lines"])
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    failures = 0
    while True:
        try:
            for item in found:
                if not source.local or _fits(item, given):
                    _show(source, item, as_json=values["json"])
            failures = 0
        except (ConnectionFailed, RateLimited, ServerError) as error:
            failures = min(failures + 1, 10)
            if failures == 1:
                note(f"{said(error, session.base_url)[0][0]}; trying again")
        sleep(min(max(values["interval"], follower.pause) * 2**failures, _LONGEST_PAUSE))
        found = follower.look()


def _show(source: Source, item: Item, *, as_json: bool) -> None:
    if as_json:
        print_json(item, line=True)
    else:
        print_line(source.line(item, item[source.owner]))


# --- commands --------------------------------------------------------------------------------------------------------


@click.group()
def tail() -> None:
    """Follow deliveries or logs as they happen. Ctrl-C ends it."""


def _filters(operation: Operation) -> list[Any]:
    return [option for option in operation.query if option.name not in _NO_FILTERS]


def _command(source: Source) -> click.Command:
    group, name = source.operation
    [operation] = [one for each in resources() if each.name == group for one in each.operations if one.name == name]
    params: list[click.Parameter] = [
        click.Argument(
            ["owners"], nargs=-1, metavar=f"[{operation.arguments[0].flag[2:].upper().replace('-', '_')}]..."
        )
    ]
    params += [option_for("query", option, required=False) for option in _filters(operation)]
    lines = click.IntRange(0, 100)
    params.append(
        click.Option(["--lines", "-n"], type=lines, default=10, show_default=True, help="Begin with the last.")
    )
    seconds = click.FloatRange(0.2)
    text = "Seconds between looks, more for many lists."
    params.append(click.Option(["--interval"], type=seconds, default=2.0, show_default=True, help=text))
    text = f"Print the API's JSON, an item a line, each with its {source.owner}."
    params.append(click.Option(["--json"], is_flag=True, help=text))
    return click.Command(source.name, params=params, callback=partial(_follow, source, operation), help=source.help)


for _source in _SOURCES:
    tail.add_command(_command(_source))
