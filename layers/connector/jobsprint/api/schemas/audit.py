"""Answers of the operation on the audit trail."""

from typing import Annotated, Any

from pydantic import Field

from jobsprint.core.clock import iso_millis
from jobsprint.core.models import PAYLOAD, ResponseModel, Time
from jobsprint.domain.audit import AuditEntry, Result


class AuditClient(ResponseModel):
    """The program that called, as it names itself."""

    name: Annotated[str, Field(description="Its name")]
    version: Annotated[str | None, Field(description="Its version")] = None


class AuditEntryView(ResponseModel):
    """An operation in the audit trail."""

    id: Annotated[str, Field(description="`aud_…`")]
    kind: Annotated[str, Field(description="What was done, such as `webhook.create`")]
    actor: Annotated[str, Field(description="The id of the token that called: `tok_…`; or `operator`")]
    subject: Annotated[str | None, Field(description="The id of what it was done to, or of what it made")] = None
    arguments: Annotated[Any, Field(description="What was asked for; what looks like a secret is masked"), PAYLOAD] = (
        None
    )
    client: Annotated[AuditClient | None, Field(description="The program that called")] = None
    request_id: Annotated[str | None, Field(description="The request that asked for it")] = None
    started_at: Annotated[Time, Field(description="When it began")]
    outcome: Annotated[Result | None, Field(description="How it ended; absent while that is not known")] = None
    error_code: Annotated[str | None, Field(description="The code of the error that it ended with")] = None
    finished_at: Annotated[Time | None, Field(description="When it ended")] = None
    sequence: Annotated[int | None, Field(description="Its place in the chain, once it is sealed")] = None

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        """An entry as it is shown; its times are to the millisecond."""
        intent, outcome = entry.intent, entry.outcome
        client = intent.client
        return cls(
            id=intent.id,
            kind=intent.kind,
            actor=intent.actor,
            subject=(outcome.subject if outcome else None) or intent.subject,
            arguments=intent.arguments,
            client=AuditClient(name=client.name, version=client.version or None) if client.name else None,
            request_id=intent.request_id,
            started_at=iso_millis(intent.at),
            outcome=outcome.result if outcome else None,
            error_code=outcome.code if outcome else None,
            finished_at=iso_millis(outcome.at) if outcome else None,
            sequence=entry.sequence,
        )
