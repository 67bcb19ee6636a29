"""What the commands of one run share: the options of the program, and clients made from the account."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import Any

import click
import requests

from jobsprint_client._call import Retries
from jobsprint_client.cli import account
from jobsprint_client.cli.output import note
from jobsprint_client.client import Client

_NOTED_SECONDS = 2


@dataclass
class Session:
    """One run of the program."""

    debug: bool = False
    base_url: str = ""
    """Where the last client sends; empty before there is one."""

    def client(self, *, public: bool = False, retries: Retries = Retries()) -> Client:  # noqa: B008 - immutable
        """A client for the account; for a `public` operation also without a token. Raises Failure for no account."""
        if public and account.base_url():
            return self.client_for(account.base_url(), "", retries)
        found = account.current()
        return self.client_for(found.base_url, found.token, retries)

    def client_for(self, base_url: str, token: str, retries: Retries = Retries()) -> Client:  # noqa: B008 - immutable
        """A client for an address and a token."""
        self.base_url = base_url
        return Client(token, base_url, retries=retries, session=self.http(), sleep=self._wait)

    def http(self) -> requests.Session:
        """What sends; with `--debug` it says what it sends."""
        http = requests.Session()
        if self.debug:
            http.hooks["response"].append(_show)
        return http

    def _wait(self, seconds: float) -> None:
        if self.debug or (sys.stderr.isatty() and seconds >= _NOTED_SECONDS):
            note(f"Trying again in {seconds:.1f} s")
        sleep(seconds)


pass_session: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(Session, ensure=True)


def _show(response: requests.Response, *_: Any, **__: Any) -> None:
    """Method, address, status and time. Headers and bodies hold secrets, and are not shown."""
    request, milliseconds = response.request, response.elapsed.total_seconds() * 1000
    note(f"{request.method} {request.url} → {response.status_code} in {milliseconds:.0f} ms")
