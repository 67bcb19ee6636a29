"""Requests and answers of the operations that recover deliveries."""

from typing import Annotated

from pydantic import Field

from jobsprint.api.schemas.common import Moment
from jobsprint.connectors.fields import Events
from jobsprint.core.clock import iso_millis, parse_iso, parse_until
from jobsprint.core.models import RequestModel, ResponseModel
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

    since: str
    until: str
    events: list[str] | None = None
    states: list[UndeliveredState]
    dry_run: bool
    per_second: int


class RecoveryView(ResponseModel):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: str
    status: ReplayStatus
    matched: int
    sent: int
    progress: Annotated[int, Field(description="Percent of the range that was gone through")]
    reason: Annotated[str | None, Field(description="Why it ended early, if nobody cancelled it")] = None
    created_at: str
    finished_at: str | None = None
    query: RecoveryQuery

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
    states: Annotated[list[UndeliveredState], Field(min_length=1, max_length=2)] = Field(default=["failed", "missing"])
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
