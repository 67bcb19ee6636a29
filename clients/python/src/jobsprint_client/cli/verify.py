"""`jobsprint verify`: which signatures of a webhook's request are right, and why the others are not."""

import json
import math
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import click

from jobsprint_client.cli.failures import FAILED, Failure
from jobsprint_client.cli.output import note, print_json, say
from jobsprint_client.cli.values import Secret, content, parsed
from jobsprint_client.errors import InvalidSignature
from jobsprint_client.webhooks import TOLERANCE_SECONDS, verify_webhook

Scheme = Literal["standard", "header", "body"]
_SCHEMES: tuple[Scheme, ...] = ("standard", "header", "body")
_PLACES = {
    "standard": "webhook-signature",
    "header": "X-Jobsprint-Signature",
    "body": "signature in the body",
}


@dataclass(frozen=True)
class Received:
    """A request as an endpoint got it."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Finding:
    """What became clear about one signature."""

    scheme: Scheme
    right: bool
    said: str


@click.command()
@click.argument("request_file", metavar="[REQUEST]", default="")
@click.option(
    "--secret",
    type=Secret(),
    envvar="JOBSPRINT_WEBHOOK_SECRET",
    help="The webhook's secret, or @file, or - for standard input; asked for where it is left out.",
)
@click.option(
    "--headers",
    "headers_file",
    help="A file with the headers, a line each or as a JSON object; or - for standard input.",
)
@click.option("--body", "body_file", help="A file with the body as it was received; or - for standard input.")
@click.option("--scheme", type=click.Choice(_SCHEMES), help="Check this signature alone.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=TOLERANCE_SECONDS,
    show_default=True,
    help="Seconds that webhook-timestamp may differ from now.",
)
@click.option("--ignore-age", is_flag=True, help="Accept a request of any age, such as one that was saved.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def verify(
    request_file: str,
    secret: str | None,
    headers_file: str | None,
    body_file: str | None,
    scheme: Scheme | None,
    tolerance: float,
    ignore_age: bool,
    as_json: bool,
) -> None:
    """Check the signatures of a webhook's request.

    REQUEST is a file with the request as it was received (headers, an empty line, the body), or - for standard input,
    which is read where no file is named. Or give --headers and --body.

    Exits with 0 if every signature is right, and with 1 if one is not. Receivers should check one: webhook-signature.
    """
    if secret is None and not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked for the secret here: give --secret or JOBSPRINT_WEBHOOK_SECRET.")
    received = _received(request_file, headers_file, body_file)
    key = secret if secret is not None else click.prompt("Secret", hide_input=True, err=True)
    if not key:
        raise click.UsageError("The secret is empty.")
    findings = [
        _finding(each, received, key, math.inf if ignore_age else tolerance)
        for each in ([scheme] if scheme else _SCHEMES)
    ]
    if as_json:
        print_json([{"scheme": each.scheme, "valid": each.right, "reason": each.said} for each in findings])
    else:
        for each in findings:
            say(
                f"{'right' if each.right else 'wrong'}  {_PLACES[each.scheme]}: {each.said}",
                "" if each.right else "red",
            )
        for hint in _hints(received, key, {each.scheme: each.right for each in findings}):
            note(hint)
    if not all(each.right for each in findings):
        click.get_current_context().exit(FAILED)


# --- the request -----------------------------------------------------------------------------------------------------


def _received(request_file: str, headers_file: str | None, body_file: str | None) -> Received:
    try:
        if body_file or headers_file:
            if request_file:
                raise click.UsageError("Give REQUEST, or --headers and --body, not both.")
            if headers_file == body_file == "-":
                raise click.UsageError("Standard input cannot be both the headers and the body.")
            headers = _headers(content(headers_file)) if headers_file else {}
            return Received(headers, content(body_file) if body_file else b"")
        return _request(content(request_file or "-"))
    except ValueError as error:
        raise Failure(str(error)) from None


def _request(data: bytes) -> Received:
    """A request as text; its body ends where its Content-Length says, as editors add a line break."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        head, separator, body = data.partition(b"\n\n")
    if not separator:
        raise ValueError("This is no request: no empty line ends its headers")
    headers = _headers(head)
    length = headers.get("content-length", "")
    if length.isdecimal() and not body[int(length) :].strip(b"\r\n"):
        body = body[: int(length)]
    return Received(headers, body)


def _headers(data: bytes) -> dict[str, str]:
    """Headers by their names in lower case, from lines (a request line is skipped) or a JSON object."""
    if data.lstrip().startswith(b"{"):
        found = parsed(data)
        # Some frameworks give a list for each name.
        return {
            name.lower(): str(value[0] if isinstance(value, list) and value else value) for name, value in found.items()
        }
    text = data.decode("utf-8", "replace")
    pairs = (re.match(r"[<> ]{0,2}([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)\s*$", line) for line in text.splitlines())
    return {pair[1].lower(): pair[2] for pair in pairs if pair}


# --- what is right ---------------------------------------------------------------------------------------------------


def _finding(scheme: Scheme, received: Received, secret: str, tolerance: float) -> Finding:
    missing = _missing(scheme, received)
    if missing:
        return Finding(scheme, right=False, said=missing)
    if not _fits(scheme, received, secret):
        return Finding(scheme, right=False, said=_why_not(scheme, received, secret))
    if scheme != "standard":
        return Finding(scheme, right=True, said="it is that of this body under this secret")
    sent = int(received.headers["webhook-timestamp"])
    age = time.time() - sent
    if abs(age) <= tolerance:
        return Finding(scheme, right=True, said="it is that of this body, id and time under this secret")
    when = f"{_duration(age)} ago" if age > 0 else f"in {_duration(-age)}, so a clock is wrong"
    return Finding(
        scheme,
        right=False,
        said=f"it fits, but the request was sent {when}, and receivers refuse that; --ignore-age accepts a saved one",
    )


def _missing(scheme: Scheme, received: Received) -> str:
    """Which part of a signature the request does not have."""
    if scheme == "body":
        return (
            ""
            if isinstance(_payload(received).get("signature"), str)
            else "the body is no JSON object with a signature"
        )
    names = (
        ("webhook-id", "webhook-timestamp", "webhook-signature") if scheme == "standard" else ("x-jobsprint-signature",)
    )
    absent = [name for name in names if not received.headers.get(name)]
    if absent:
        return f"the request has no header {', '.join(absent)}"
    if scheme == "standard" and not re.fullmatch("[0-9]{1,15}", received.headers["webhook-timestamp"]):
        return "webhook-timestamp is no time in Unix seconds"
    return ""


def _fits(scheme: Scheme, received: Received, secret: str) -> bool:
    """Whether a signature is that of the request, whatever its age."""
    try:
        verify_webhook(received.body, received.headers, secret, scheme=scheme, tolerance=math.inf)
    except InvalidSignature:
        return False
    except ValueError as error:
        raise Failure(f"The secret cannot be used: {error}") from None
    return True


def _why_not(scheme: Scheme, received: Received, secret: str) -> str:
    for name, other in (("the space around it", secret.strip()), ("quotes around it", secret.strip("'\""))):
        if other and other != secret and _fits(scheme, received, other):
            return f"it fits without {name} that the secret has here"
    stripped = received.body.rstrip(b"\r\n")
    if scheme != "body" and stripped != received.body and _fits(scheme, Received(received.headers, stripped), secret):
        return "it fits without the line break at the end of the body, which an editor may have added"
    length = received.headers.get("content-length", "")
    if length.isdecimal() and int(length) != len(received.body):
        return f"the body has {len(received.body)} bytes, and its Content-Length is {length}: it was cut or changed"
    if scheme == "header" and not received.headers["x-jobsprint-signature"].startswith("sha256="):
        return "it does not begin with sha256="
    if scheme == "standard" and "v1," not in received.headers["webhook-signature"]:
        return "it has no part that begins with v1,"
    return "it is not that of this body under this secret"


def _hints(received: Received, secret: str, right: Mapping[str, bool]) -> list[str]:
    """What the findings say together."""
    if all(right.values()):
        return []
    if right.get("body") and right.get("header") is False and not _missing("header", received):
        return ["The secret is right, and the body was parsed and written again: keep the bytes as they come in."]
    if right.get("header") and right.get("standard") is False and not _fits_standard(received, secret):
        return ["The secret and the body are right: webhook-id or webhook-timestamp is not as it was sent."]
    if not any(right.values()) and len(right) == len(_SCHEMES) and not _fits_standard(received, secret):
        return ["None fits: is it the secret of this webhook, its newest one, and the body as it was received?"]
    if right.get("standard") and not right.get("header", True):
        return ["The secret is an older one, which a rotation still lets sign webhook-signature."]
    return []


def _fits_standard(received: Received, secret: str) -> bool:
    return not _missing("standard", received) and _fits("standard", received, secret)


def _payload(received: Received) -> dict[str, Any]:
    try:
        found = json.loads(received.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
