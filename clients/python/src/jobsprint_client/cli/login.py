"""`jobsprint login`, `logout` and `status`."""

import os
import sys

import click

from jobsprint_client._call import Call
from jobsprint_client.cli import account
from jobsprint_client.cli.failures import AUTHENTICATION, FAILED, Failure
from jobsprint_client.cli.output import note, say
from jobsprint_client.cli.session import Session, pass_session
from jobsprint_client.cli.values import content
from jobsprint_client.client import Client
from jobsprint_client.errors import Forbidden, Unauthenticated


@click.command()
@click.option(
    "--base-url", help="Where the API is, such as https://api.example.com/v1; asked for where it is left out."
)
@click.option("--with-token", is_flag=True, help="Read the token from standard input.")
@click.option("--insecure-storage", is_flag=True, help="Keep the token in a file (mode 0600) and not in the keyring.")
@pass_session
def login(session: Session, base_url: str | None, with_token: bool, insecure_storage: bool) -> None:
    """Log in with an API token.

    The token is tried first. Then the keyring keeps it, or a file that you alone can read where there is no keyring.
    The variables JOBSPRINT_TOKEN and JOBSPRINT_BASE_URL are used before what is kept.
    """
    if os.environ.get(account.TOKEN_VARIABLE):
        raise Failure(
            f"The token in {account.TOKEN_VARIABLE} is used, and nothing is kept",
            f"to keep a token, unset {account.TOKEN_VARIABLE}",
        )
    url = account.checked_url(base_url if base_url is not None else _asked_url())
    if not url:
        raise click.UsageError("Missing option --base-url.")
    if account.sends_in_clear(url):
        note("Warning: this address has no https, so the token can be read on its way.")
    token = account.checked_token(_token(with_token))
    if not is_valid(session.client_for(url, token)):
        raise Failure(f"The token is not valid at {url}", "ask your operator for a new one", AUTHENTICATION)
    note(f"Logged in to {url}. The token is in {account.save(url, token, keyring=not insecure_storage)}.")


@click.command()
def logout() -> None:
    """Remove the token that login kept. It stays valid: an operator can revoke it."""
    if not account.forget():
        raise Failure("You are not logged in")
    note("Logged out.")
    if os.environ.get(account.TOKEN_VARIABLE):
        note(f"{account.TOKEN_VARIABLE} is still set, and used.")


@click.command()
@pass_session
def status(session: Session) -> None:
    """Show where you are logged in, and whether the token is valid."""
    found = account.current()
    say(found.base_url)
    valid = is_valid(session.client_for(found.base_url, found.token))
    say(f"  Logged in with the token from {found.source}" if valid else f"  The token from {found.source} is not valid")
    if not valid:
        click.get_current_context().exit(AUTHENTICATION)


def is_valid(client: Client) -> bool:
    """Whether the service takes the client's token. Raises what a call raises, and Failure for another service."""
    try:
        answer = client.answer(Call("GET", "/integrations", object, query={"limit": 1}))
    except Unauthenticated:
        return False
    except Forbidden as error:
        if error.code != "missing_scope":  # a firewall, not the service
            raise
        return True
    if "data" not in answer:
        raise Failure("This address does not answer as the API does", "jobsprint doctor", FAILED)
    return True


def _asked_url() -> str:
    known = account.base_url()
    if known and not sys.stdin.isatty():
        return known
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: give --base-url.")
    asked: str = click.prompt("Base URL", default=known or None, err=True)
    return asked


def _token(with_token: bool) -> str:
    if with_token:
        return content("-").decode("utf-8", "replace")
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: give the token on standard input, and add --with-token.")
    asked: str = click.prompt("Token", hide_input=True, err=True)
    return asked
