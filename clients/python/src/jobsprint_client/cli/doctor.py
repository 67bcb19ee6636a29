"""`jobsprint doctor`: what keeps this machine from working with the API, and what to do about it."""

import platform
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import click
import requests
from rich.text import Text

from jobsprint_client._call import Call, Retries, __version__
from jobsprint_client.cli import account
from jobsprint_client.cli.failures import FAILED, Failure, reason
from jobsprint_client.cli.output import clean, print_json, print_line, say, styled
from jobsprint_client.cli.session import Session, pass_session
from jobsprint_client.client import Client
from jobsprint_client.errors import ApiError, ConnectionFailed, Forbidden, Unauthenticated
from jobsprint_client.webhooks import TOLERANCE_SECONDS

_TIMEOUT_SECONDS = 10
_SKEW_SECONDS = 30
# Reading a list shows whether the token has its scope, and changes nothing.
_SCOPES = {
    "integrations:read": "/integrations",
    "webhooks:read": "/integrations/webhooks",
    "events:read": "/events",
}


@dataclass(frozen=True)
class Check:
    """One line."""

    status: Literal["ok", "warning", "failed"]
    name: str
    said: str
    next_step: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@pass_session
def doctor(session: Session, as_json: bool) -> None:
    """Check the settings, the connection, the clock and the token, and say what to do.

    Exits with 1 if a check failed.
    """
    found = []
    for check in _checks(session):
        found.append(check)
        if not as_json:
            _print(check)
    if as_json:
        print_json([asdict(check) for check in found])
    if any(check.status == "failed" for check in found):
        click.get_current_context().exit(FAILED)


def _print(check: Check) -> None:
    print_line(Text() + styled(f"{check.status:<8}") + Text(clean(f" {check.name}: {check.said}")))
    if check.next_step:
        say(f"         → {check.next_step}")


def _checks(session: Session) -> Iterator[Check]:
    """All checks that can be made, in the order in which one needs the other."""
    yield Check("ok", "Versions", f"jobsprint {__version__}, Python {platform.python_version()}, {sys.platform}")
    try:
        url = account.base_url()
    except Failure as error:
        yield _failed("Base URL", error)
        return
    if not url:
        yield Check("failed", "Base URL", "none is known", f"jobsprint login, or set {account.URL_VARIABLE}")
        return
    yield _base_url(url)
    service = _Service(session, url)
    yield from service.checks()
    yield from _stored()
    try:
        found = account.current()
    except Failure as error:
        yield _failed("Token", error)
        return
    yield _token_source(found)
    if service.reached:
        yield from _token(session, found)


def _failed(name: str, error: Failure) -> Check:
    return Check("failed", name, error.message, error.next_step or "")


def _base_url(url: str) -> Check:
    if account.sends_in_clear(url):
        return Check("warning", "Base URL", f"{url} has no https: the token can be read on its way", "use https")
    if not urlsplit(url).path.endswith("/v1"):
        return Check("warning", "Base URL", f"{url} does not end in /v1", "is it the address that the operator gave?")
    return Check("ok", "Base URL", url)


def _stored() -> Iterator[Check]:
    """The file with the token, where there is one."""
    path = account.path()
    if sys.platform != "win32" and path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Check("warning", "Token file", f"{path} can be read by others", f"chmod 600 {path}")


# --- the service -----------------------------------------------------------------------------------------------------


class _Service:
    """One request to the service's health, and what it shows."""

    def __init__(self, session: Session, url: str) -> None:
        self._http, self._url = session.http(), url
        self.reached = False

    def checks(self) -> Iterator[Check]:
        """Whether it is reached, securely, as the API, and at the same time of day."""
        try:
            # Without the credentials that ~/.netrc may have for the host.
            response = self._http.get(
                f"{self._url}/health", timeout=_TIMEOUT_SECONDS, allow_redirects=False, auth=lambda request: request
            )
        except requests.RequestException as error:
            yield self._unreachable(error)
            return
        arrived = time.time()
        secure = urlsplit(self._url).scheme == "https"
        yield Check("ok", "Connection", "reached" + (", and its certificate is valid" if secure else ", without TLS"))
        version = self._version(response)
        if version is None:
            yield Check(
                "failed",
                "Service",
                f"{self._url}/health answered {response.status_code}, and not as the API does",
                self._what_else(response),
            )
            return
        self.reached = True
        yield Check("ok", "Service", f"it runs, version {version}")
        yield _clock(response, arrived)

    def _unreachable(self, error: requests.RequestException) -> Check:
        host = urlsplit(self._url).hostname
        said = reason(error)
        if isinstance(error, requests.exceptions.ProxyError):
            return Check("failed", "Connection", f"the proxy failed: {said}", "check HTTPS_PROXY and NO_PROXY")
        steps = {
            "certificate": "check the clock; behind a proxy of your company set REQUESTS_CA_BUNDLE to its certificates",
            "secure": "does the address begin with http:// at this port?",
            "name": f"is {host} spelled right? Does it need a VPN?",
            "refused": f"does the service run at {self._url}? For the local stack: make up",
            "long": "check firewall and VPN, and try again",
        }
        step = next((step for word, step in steps.items() if word in said), "check the network, and try again")
        return Check("failed", "Connection", f"{self._url} did not answer: {said}", step)

    @staticmethod
    def _version(response: requests.Response) -> str | None:
        """The service's version; None where the answer is not that of the API."""
        try:
            return str(response.json()["data"]["version"]) if response.ok else None
        except (ValueError, KeyError, TypeError):
            return None

    def _what_else(self, response: requests.Response) -> str:
        place = response.headers.get("Location")
        if place:
            return f"it redirects to {place}: use the address of the API itself"
        if response.status_code >= 500:
            return "try again in a minute, then ask the operator"
        return "the base URL ends in /v1; ask the operator for it"


def _clock(response: requests.Response, arrived: float) -> Check:
    """This machine's clock beside the service's: signatures of webhooks have a time."""
    try:
        served = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return Check("ok", "Clock", "the service does not say its time")
    skew = arrived - response.elapsed.total_seconds() / 2 - served
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the service"
    step = "set this machine's clock, by NTP if you can"
    if abs(skew) > TOLERANCE_SECONDS:
        return Check("failed", "Clock", f"{text}: signatures of webhooks look too old or too new", step)
    if abs(skew) > _SKEW_SECONDS:
        return Check("warning", "Clock", text, step)
    return Check("ok", "Clock", "it agrees with the service's")


# --- the token -------------------------------------------------------------------------------------------------------


def _token_source(found: account.Account) -> Check:
    if not found.token.startswith("jsp_"):
        return Check("warning", "Token", f"that from {found.source} does not begin with jsp_", "is it an API token?")
    return Check("ok", "Token", f"from {found.source}")


def _token(session: Session, found: account.Account) -> Iterator[Check]:
    """Whether the token is valid, and which reading scopes it has. The API shows no others."""
    client = session.client_for(found.base_url, found.token, Retries(limit=0))
    scopes = []
    for scope, path in _SCOPES.items():
        try:
            if _may(client, path):
                scopes.append(scope)
        except Unauthenticated as error:
            yield Check("failed", "Login", error.message, "jobsprint login, with a token that is valid")
            return
        except (ApiError, ConnectionFailed) as error:
            yield Check("failed", "Login", f"{path} failed: {error}", "try again, then ask the operator")
            return
    yield Check("ok", "Login", "the token is valid")
    missing = [scope for scope in _SCOPES if scope not in scopes]
    if not missing:
        yield Check("ok", "Scopes", f"it may read everything ({', '.join(scopes)}); others show when they are used")
        return
    yield Check(
        "warning",
        "Scopes",
        f"it has {', '.join(scopes) or 'no scope that reads'}, and not {', '.join(missing)}",
        "if you need more, ask the operator for a token with these scopes",
    )


def _may(client: Client, path: str) -> bool:
    try:
        client.answer(Call("GET", path, object, query={"limit": 1}))
    except Forbidden as error:
        if error.code != "missing_scope":
            raise
        return False
    return True
