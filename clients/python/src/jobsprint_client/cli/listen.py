"""`jobsprint listen`: events reach a server on this machine, without a tunnel.

It makes a polling endpoint, polls it, sends each message on as it is, and reports what the server answered. Without
polls the endpoint is removed after an hour, should this program end without removing it.
"""

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from rich.text import Text

from jobsprint_client._call import Call, Retries, new_key, segment
from jobsprint_client.cli.failures import reason, said
from jobsprint_client.cli.output import cell, note, print_json, print_line
from jobsprint_client.cli.session import Session, pass_session
from jobsprint_client.client import Client
from jobsprint_client.errors import ApiError, ConnectionFailed, JobsprintError, NotFound, RateLimited, ServerError

EXPIRES_SECONDS = 3600
_WAIT_SECONDS = 20
_MESSAGES, _LEASE_SECONDS = 10, 300
_LONGEST_PAUSE = 30.0
_MAX_REPORTED = 2048
_PATH = "/integrations/webhooks"


class Address(click.ParamType):
    """An address to forward to; `localhost:3000/hooks` is plain http."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The whole URL."""
        url = value if "://" in value else f"http://{value}"
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.fail(f"{value!r} is no address such as localhost:3000/hooks", param, ctx)
        return url


@dataclass(frozen=True)
class Outcome:
    """What a local server made of a message."""

    status_code: int | None
    message: str
    milliseconds: int

    @property
    def success(self) -> bool:
        """Whether it answered with 2xx, as the service judges too."""
        return self.status_code is not None and 200 <= self.status_code < 300

    def report(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The report on a message, for its acknowledgement."""
        said = {"statusCode": self.status_code, "message": self.message[:_MAX_REPORTED] or None}
        return {
            "deliveryId": message["deliveryId"],
            "leaseToken": message["leaseToken"],
            "status": "success" if self.success else "error",
            **{name: value for name, value in said.items() if value is not None},
        }


class Forwarder:
    """Sends messages to a local server, with their exact bytes and headers."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy between this machine and itself, and no entry of ~/.netrc
        self._http.headers.clear()

    def forward(self, message: Mapping[str, Any]) -> Outcome:
        """Send one message; what came of it."""
        began = time.monotonic()
        try:
            answer = self._http.post(
                self._url,
                data=message["body"].encode(),
                headers=message["headers"],
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return Outcome(None, reason(error), _since(began))
        return Outcome(answer.status_code, answer.text, _since(began))


class Listener:
    """A polling endpoint of this program's own, from its creation to its removal."""

    def __init__(self, client: Client, events: tuple[str, ...]) -> None:
        self._client, self._events = client, events
        self.webhook: dict[str, Any] = {}

    def create(self) -> None:
        """Create the endpoint."""
        body = {
            "type": "polling",
            "name": f"jobsprint listen on {socket.gethostname()}"[:100],
            "events": list(self._events),
            "expiresIn": EXPIRES_SECONDS,
        }
        answer = self._client.answer(Call("POST", _PATH, object, body=body, key=new_key()))
        self.webhook = answer["data"]

    def remove(self) -> None:
        """Remove the endpoint, if it is still there."""
        with suppress(NotFound):
            self._client.answer(Call("DELETE", self._path(), object))

    def poll(self) -> list[dict[str, Any]]:
        """The next messages, none where none came in time."""
        query = {"wait": _WAIT_SECONDS, "lease": _LEASE_SECONDS, "limit": _MESSAGES}
        answer = self._client.answer(Call("GET", f"{self._path()}/poll", object, query=query))
        messages: list[dict[str, Any]] = answer["data"]["messages"]
        return messages

    def acknowledge(self, report: dict[str, Any]) -> dict[str, Any]:
        """Report what became of one message; what the service says to that."""
        call = Call("POST", f"{self._path()}/ack", object, body={"messages": [report]})
        outcome: dict[str, Any] = self._client.answer(call)["data"]["messages"][0]
        return outcome

    def _path(self) -> str:
        return f"{_PATH}/{segment(self.webhook['id'])}"


class Listening:
    """A listener that forwards what it gets, until it is interrupted."""

    def __init__(self, session: Session, listener: Listener, forwarder: Forwarder, *, as_json: bool) -> None:
        self._session, self._listener, self._forwarder, self._as_json = session, listener, forwarder, as_json
        self._failures = 0
        self._report: dict[str, Any] | None = None

    def go_on(self) -> None:
        """Poll, forward and report without end. Raises what no repeat helps against."""
        while True:
            try:
                messages = self._patiently(self._listener.poll)
            except NotFound:
                # This machine may have slept for longer than the endpoint waits for a poll.
                note("The polling endpoint was removed; another one takes its place")
                self._patiently(self._listener.create)
                note(f"Signing secret: {self._listener.webhook['secret']}")
                continue
            for message in messages:
                outcome = self._forwarder.forward(message)
                self._report = outcome.report(message)
                self._show(message, outcome)
                self._patiently(partial(self._listener.acknowledge, self._report))
                self._report = None

    def end(self) -> None:
        """Send the report that was interrupted, and remove the endpoint."""
        try:
            if self._report:
                self._listener.acknowledge(self._report)
            self._listener.remove()
        except JobsprintError:
            webhook = self._listener.webhook["id"]
            note(f"{webhook} could not be removed now. It is removed after an hour without polls.")

    def _patiently(self, send: Callable[[], Any]) -> Any:
        """What the service answers, however long that takes: a lost connection is said once and tried again."""
        while True:
            try:
                answer = send()
            except (ConnectionFailed, RateLimited, ServerError) as error:
                time.sleep(self._pause(error))
                continue
            if self._failures:
                note("Connected again")
            self._failures = 0
            return answer

    def _pause(self, error: JobsprintError) -> float:
        """Seconds until the next try: what the service asks for, else longer each time."""
        self._failures += 1
        if self._failures == 1:
            note(f"{said(error, self._session.base_url)[0][0]}; trying again")
        asked = error.retry_after if isinstance(error, ApiError) else None
        return float(asked) if asked is not None else min(2.0 ** (self._failures - 1), _LONGEST_PAUSE)

    def _show(self, message: Mapping[str, Any], outcome: Outcome) -> None:
        if self._as_json:
            head = {name: message[name] for name in ("event", "eventId", "deliveryId", "attempt")}
            status = {"statusCode": outcome.status_code} if outcome.status_code else {"failure": outcome.message}
            print_json({**head, **status, "durationMs": outcome.milliseconds, "body": message["body"]}, line=True)
            return
        state = str(outcome.status_code or "failed")
        end = f"{outcome.milliseconds} ms" if outcome.status_code else f"{outcome.message}, {outcome.milliseconds} ms"
        parts = [
            Text(time.strftime("%H:%M:%S")),
            Text(state, style="green" if outcome.success else "red"),
            Text(cell(message["event"]), style="bold"),
            Text(cell(message["eventId"])),
            Text(end),
        ]
        print_line(Text("  ").join(parts))


@click.command()
@click.option("--forward-to", "url", type=Address(), required=True, help="The server: localhost:3000/hooks, or a URL.")
@click.option(
    "--event",
    "events",
    multiple=True,
    default=("*",),
    show_default=True,
    help="An event or a family, such as order.*. The option can be repeated.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=25),
    default=15.0,
    show_default=True,
    help="Seconds that the server may take for one message.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, each with the body of its message.")
@pass_session
def listen(session: Session, url: str, events: tuple[str, ...], timeout: float, as_json: bool) -> None:
    """Forward events to a server on this machine, with the bytes and headers of a delivery.

    It makes a polling endpoint and removes it at Ctrl-C. What the server answers is kept as an attempt: after an answer
    that is not 2xx the event comes again.
    """
    listener = Listener(session.client(retries=Retries(limit=0)), events)
    listener.create()
    note(f"Forwarding {', '.join(events)} to {url}. Signing secret: {listener.webhook['secret']}")
    note("Ready. Ctrl-C ends it.")
    listening = Listening(session, listener, Forwarder(url, timeout), as_json=as_json)
    try:
        listening.go_on()
    finally:
        listening.end()


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
