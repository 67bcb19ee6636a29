"""The audit trail: an intent before each recorded operation, and its outcome after it.

Both are records of their own, written once: canonical JSON with its names in alphabetical order, so that a record can
be hashed as it is stored (`domain.audit_chain`).
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, cast

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonValue
from jobsprint.core.cut import cut_json
from jobsprint.core.errors import JobsprintError, UpstreamFailed
from jobsprint.core.ids import made_at
from jobsprint.core.redaction import MASK, redact, redact_text
from jobsprint.core.shown_url import shown_url

Result: TypeAlias = Literal["succeeded", "failed", "unknown"]
ResultFilter: TypeAlias = Literal["succeeded", "failed", "unknown", "none"]
Phase: TypeAlias = Literal["intent", "outcome"]

MAX_ARGUMENT_BYTES = 2048
MAX_NAME_CHARACTERS = 200
# Fields whose values are secrets under any name below them: credentials, and header values.
_SECRET_FIELDS = frozenset({"confirmation", "headers", "webhookAuth"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class Client:
    """The program that called, as it names itself; empty where it does not."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True)
class Intent:
    """What was about to be done: by which token, to what, with which masked arguments. `at` is in Unix ms."""

    tenant: str
    id: str
    at: int
    kind: str
    actor: str
    subject: str | None = None
    arguments: JsonValue = None
    client: Client = Client()
    request_id: str | None = None

    def record(self) -> str:
        """The record as it is stored and hashed."""
        return _text(
            {
                "actor": self.actor,
                # As text: it may be nested as deeply as JSON may be.
                "arguments": None if self.arguments is None else canonical_json.dumps(self.arguments),
                "at": self.at,
                "clientName": self.client.name or None,
                "clientVersion": self.client.version or None,
                "id": self.id,
                "kind": self.kind,
                "phase": "intent",
                "requestId": self.request_id,
                "subject": self.subject,
                "tenant": self.tenant,
            }
        )

    @classmethod
    def read(cls, record: str) -> "Intent":
        """The intent that `record` wrote."""
        fields: dict[str, Any] = json.loads(record)
        return cls(
            tenant=fields["tenant"],
            id=fields["id"],
            at=fields["at"],
            kind=fields["kind"],
            actor=fields["actor"],
            subject=fields.get("subject"),
            arguments=json.loads(fields.get("arguments", "null")),
            client=Client(fields.get("clientName", ""), fields.get("clientVersion", "")),
            request_id=fields.get("requestId"),
        )


@dataclass(frozen=True)
class Outcome:
    """What an intent led to, at `at` (Unix ms). `id` is the intent's; `subject` is what it made, if anything."""

    tenant: str
    id: str
    at: int
    result: Result
    code: str | None = None
    subject: str | None = None

    def record(self) -> str:
        """The record as it is stored and hashed."""
        return _text(
            {
                "at": self.at,
                "code": self.code,
                "id": self.id,
                "phase": "outcome",
                "result": self.result,
                "subject": self.subject,
                "tenant": self.tenant,
            }
        )

    @classmethod
    def read(cls, record: str) -> "Outcome":
        """The outcome that `record` wrote."""
        fields: dict[str, Any] = json.loads(record)
        return cls(
            tenant=fields["tenant"],
            id=fields["id"],
            at=fields["at"],
            result=fields["result"],
            code=fields.get("code"),
            subject=fields.get("subject"),
        )


@dataclass(frozen=True)
class AuditEntry:
    """An intent with its outcome; None while it is not known. `sequence` is the intent's place in the chain."""

    intent: Intent
    outcome: Outcome | None = None
    sequence: int | None = None


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are wanted; None for any. Times in Unix ms, both included."""

    kind: str | None = None
    actor: str | None = None
    subject: str | None = None
    result: ResultFilter | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def takes(self, entry: AuditEntry) -> bool:
        """Whether an entry is wanted, its time left aside."""
        result = entry.outcome.result if entry.outcome else "none"
        subjects = {entry.intent.subject, entry.outcome.subject if entry.outcome else None}
        return (
            self.kind in (None, entry.intent.kind)
            and self.actor in (None, entry.intent.actor)
            and (self.subject is None or self.subject in subjects)
            and self.result in (None, result)
        )


def month(ms: int) -> str:
    """The month of a time in UTC, as keys have it: `2026-11`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m")


def partition(tenant: str, entry_id: str, phase: Phase) -> str:
    """The partition of a record: those of a month are together, intents and outcomes apart."""
    ending = "#outcome" if phase == "outcome" else ""
    return f"{tenant}#{month(made_at(entry_id))}{ending}"


def result_of(error: Exception) -> tuple[Result, str]:
    """The result of an operation that raised `error`, and its code.

    It is unknown where a call was sent without an answer, and where our own code failed: nobody can say how far it got.
    """
    if not isinstance(error, JobsprintError):
        return "unknown", JobsprintError.default_code
    unknown = error.status == JobsprintError.status or (isinstance(error, UpstreamFailed) and error.unknown)
    return "unknown" if unknown else "failed", error.code


def client_of(user_agent: str | None) -> Client:
    """The client that a `User-Agent` header names first, such as `jobsprint-client/1.2`."""
    name, _, version = (user_agent or "").partition(" ")[0].partition("/")
    return Client(name, version)


def plain(text: str) -> str:
    """A name from outside as an entry has it: masked, cut, and without what UTF-8 cannot hold."""
    return redact_text(text.encode(errors="replace").decode())[:MAX_NAME_CHARACTERS]


def masked(arguments: JsonValue) -> JsonValue:
    """Arguments as an entry has them: secrets masked, and cut to `MAX_ARGUMENT_BYTES`."""
    return cut_json(redact(_without_credentials(arguments)), MAX_ARGUMENT_BYTES)


def _without_credentials(value: JsonValue, *, hidden: bool = False) -> JsonValue:
    match value:
        case dict():
            return {
                name: _without_credentials(element, hidden=hidden or name in _SECRET_FIELDS)
                for name, element in value.items()
            }
        case list():
            return [_without_credentials(element, hidden=hidden) for element in value]
        case str() if hidden:
            return MASK
        case str() if _URL.match(value):
            return _shown(value)
        case _:
            return value


def _shown(url: str) -> str:
    try:
        return shown_url(url)
    except ValueError:  # no URL after all
        return MASK


def _text(fields: dict[str, JsonValue]) -> str:
    return canonical_json.dumps(cast(JsonValue, {name: value for name, value in fields.items() if value is not None}))
