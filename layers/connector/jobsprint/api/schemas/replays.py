"""Requests and answers of the operations that recover deliveries."""

from typing import Annotated

from pydantic import Field

from jobsprint.api.schemas.common import Moment
from jobsprint.connectors.fields import Events
from jobsprint.core.clock import iso_millis, parse_iso, parse_until
from jobsprint.core.models import RequestModel, ResponseModel, Time
from jobsprint.domain.replay import (
    DEFAULT_PER_SECOND,
    MAX_PER_SECOND,
    ReplayJob,
    ReplayRequest,
    ReplayStatus,
    UndeliveredState,
    progress,
)


class RecoveryQuery(ResponseModel):
    """What a recovery was asked for, with the range and the pace that apply."""

    since: Annotated[Time, Field(description="Events published from then on")]
    until: Annotated[Time, Field(description="Events published until then")]
    events: Annotated[list[str] | None, Field(description="Only these events or families")] = None
    states: Annotated[
        list[UndeliveredState], Field(description="Which deliveries: `failed` ones, `missing` ones, or both")
    ]
    dry_run: Annotated[bool, Field(description="Whether it only counts")]
    per_second: Annotated[int, Field(description="Most deliveries sent per second")]


class RecoveryView(ResponseModel):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: Annotated[str, Field(description="`job_…`")]
    status: Annotated[ReplayStatus, Field(description="How far it is")]
    matched: Annotated[int, Field(description="Deliveries found so far")]
    sent: Annotated[int, Field(description="Deliveries sent so far")]
    progress: Annotated[int, Field(description="Percent of the range that was gone through")]
    reason: Annotated[str | None, Field(description="Why it ended early, if nobody cancelled it")] = None
    created_at: Annotated[Time, Field(description="When it was asked for")]
    finished_at: Annotated[Time | None, Field(description="When it ended")] = None
    query: Annotated[RecoveryQuery, Field(description="What was asked for")]

    @classmethod
    def of(cls, job: ReplayJob) -> "RecoveryView":
        """A recovery as it is shown; times are to the millisecond."""
        wanted = job.request
        query = RecoveryQuery(
            since=iso_millis(wanted.since),
            until=iso_millis(wanted.until),
            events=list(wanted.events) or None,
            states=list(wanted.states),
            dry_run=wanted.dry_run,
            per_second=wanted.per_second,
        )
        return cls(
            id=job.id,
            status=job.status,
            matched=job.matched,
            sent=job.sent,
            progress=progress(job),
            reason=job.reason,
            created_at=iso_millis(job.created_at),
            finished_at=None if job.finished_at is None else iso_millis(job.finished_at),
            query=query,
        )


class RecoverRequest(RequestModel):
    """What to recover: `failed` deliveries (exhausted or discarded), and `missing` ones (events without a delivery)."""

    since: Annotated[Moment, Field(description="ISO 8601: events published from then on")]
    until: (
        Annotated[Moment, Field(description="ISO 8601: events published until then. Now, if it is left out")] | None
    ) = None
    events: Annotated[Events, Field(description="Only these events or families. All, if it is left out")] | None = None
    states: Annotated[list[UndeliveredState], Field(min_length=1, max_length=2)] = Field(
        default=["failed", "missing"], description="Which deliveries"
    )
    dry_run: Annotated[bool, Field(description="Counts and sends nothing")] = False
    per_second: Annotated[int, Field(ge=1, le=MAX_PER_SECOND, description="Deliveries per second")] = DEFAULT_PER_SECOND

    def wanted(self, now: int) -> ReplayRequest:
        """What `delivery.replay` takes; `now` in ms."""
        return ReplayRequest(
            since=parse_iso(self.since),
            until=now if self.until is None else parse_until(self.until),
            events=tuple(self.events or ()),
            states=tuple(dict.fromkeys(self.states)),
            dry_run=self.dry_run,
            per_second=self.per_second,
        )
