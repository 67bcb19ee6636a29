"""Where the API is and which token to use: from the environment, the keyring, or a file of its owner alone."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from jobsprint_client.cli.failures import AUTHENTICATION, Failure

TOKEN_VARIABLE, URL_VARIABLE = "JOBSPRINT_TOKEN", "JOBSPRINT_BASE_URL"
_SERVICE = "jobsprint"
_LOG_IN = f"jobsprint login, or set {TOKEN_VARIABLE} and {URL_VARIABLE}"


@dataclass(frozen=True)
class Account:
    """Where the API is, and a token for it."""

    base_url: str
    token: str
    source: str
    """Where the token is from, for people."""


@dataclass(frozen=True)
class Stored:
    """What the last login kept; `token` is empty where the keyring has it."""

    base_url: str = ""
    token: str = ""


def current() -> Account:
    """The account that commands use. Raises Failure where there is none.

    The environment is first. A stored token is sent to the address that it was stored for and to no other.
    """
    token, url = os.environ.get(TOKEN_VARIABLE, "").strip(), base_url()
    if token:
        if not url:
            raise Failure(
                f"{TOKEN_VARIABLE} is set, but no address to use it at", f"set {URL_VARIABLE}", AUTHENTICATION
            )
        return Account(url, checked_token(token), TOKEN_VARIABLE)
    stored = load()
    if not stored.base_url:
        raise Failure("You are not logged in", _LOG_IN, AUTHENTICATION)
    if url != stored.base_url:
        raise Failure(
            f"You are logged in to {stored.base_url}, and {URL_VARIABLE} is {url}",
            f"set {TOKEN_VARIABLE} too, or jobsprint login --base-url {url}",
            AUTHENTICATION,
        )
    if stored.token:
        return Account(url, stored.token, str(path()))
    kept = from_keyring(url)
    if not kept:
        raise Failure(f"The keyring has no token for {url}", _LOG_IN, AUTHENTICATION)
    return Account(url, kept, "the keyring")


def base_url() -> str:
    """The address of the API; empty where none is known."""
    return checked_url(os.environ.get(URL_VARIABLE, "")) or load().base_url


def checked_url(text: str) -> str:
    """An address without the slash at its end, and with /v1 where it has no path. Raises Failure for no address."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise Failure(f"{text} is no address of an API", "give one such as https://api.example.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Failure("The address has a user, a query or a fragment", "give one such as https://api.example.com/v1")
    return text if parts.path else f"{text}/v1"


def checked_token(text: str) -> str:
    """A token without the space around it. Raises Failure for what no token is."""
    if not re.fullmatch(r"[\x21-\x7e]+", text.strip()):
        raise Failure("This is no token: one begins with jsp_ and has no space in it", code=AUTHENTICATION)
    return text.strip()


def sends_in_clear(url: str) -> bool:
    """Whether a token would go over a network without TLS."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "::1") or re.match(r"127\.\d+\.\d+\.\d+$", parts.hostname or "")
    return parts.scheme == "http" and not local


# --- what is kept ----------------------------------------------------------------------------------------------------


def path() -> Path:
    """The file in the platform's folder for settings."""
    return Path(click.get_app_dir("jobsprint")) / "account.json"


def load() -> Stored:
    """What the last login kept; empty where nobody is logged in."""
    try:
        found = json.loads(path().read_text("utf-8"))
        return Stored(found["baseUrl"], found.get("token", ""))
    except FileNotFoundError:
        return Stored()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"{path()} cannot be read", "remove it, and jobsprint login") from None


def save(url: str, token: str, *, keyring: bool = True) -> str:
    """Keep a token in the keyring, or in a file where there is none or it is not wanted; says where, for people."""
    old = _loaded()
    in_keyring = keyring and _into_keyring(url, token)
    _write({"baseUrl": url} if in_keyring else {"baseUrl": url, "token": token})
    if not in_keyring or old.base_url != url:
        _forget_in_keyring(old)
    return "the keyring" if in_keyring else str(path())


def forget() -> bool:
    """Remove what the last login kept; whether there was something."""
    _forget_in_keyring(_loaded())
    existed = path().exists()
    path().unlink(missing_ok=True)
    return existed


def _loaded() -> Stored:
    try:
        return load()
    except Failure:  # it is replaced or removed
        return Stored()


def _write(found: dict[str, str]) -> None:
    """Write the file at once and whole; no moment at which others can read it."""
    folder = path().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)  # is 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
        Path(name).replace(path())
    except OSError as error:
        raise Failure(f"{path()} cannot be written: {error.strerror}") from None


# --- the keyring -----------------------------------------------------------------------------------------------------


def from_keyring(url: str) -> str:
    """The token for an address; empty where the keyring has none or cannot be asked."""
    keyring = _keyring()
    try:
        return (keyring.get_password(_SERVICE, url) if keyring else "") or ""
    except Exception:  # noqa: BLE001 - backends raise errors of their own, such as those of D-Bus
        return ""


def _into_keyring(url: str, token: str) -> bool:
    """Whether the keyring took it: some backends take everything and keep nothing."""
    keyring = _keyring()
    if not keyring:
        return False
    try:
        keyring.set_password(_SERVICE, url, token)
    except Exception:  # noqa: BLE001 - as above
        return False
    return from_keyring(url) == token


def _forget_in_keyring(stored: Stored) -> None:
    keyring = _keyring() if stored.base_url and not stored.token else None
    try:
        if keyring:
            keyring.delete_password(_SERVICE, stored.base_url)
    except Exception:  # noqa: BLE001, S110 - it is not there, or the keyring cannot be asked
        pass


def _keyring() -> Any:
    """The module `keyring`, or None where it is not installed or has no safe place."""
    try:
        import keyring  # takes a while, and only a few commands need it
        from keyring.core import recommended

        return keyring if recommended(keyring.get_keyring()) else None
    except Exception:  # noqa: BLE001 - a backend that cannot be loaded is none
        return None
