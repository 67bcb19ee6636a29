"""What recovering deliveries takes and shows. Class names are unique: they name OpenAPI components."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, ConfigDict, Field

from jobsprint.api.envelope import absent
from jobsprint.api.schemas import Moment
from jobsprint.connectors.fields import Events
from jobsprint.domain.recoveries import (
    DEFAULT_PER_SECOND,
    MAX_PER_SECOND,
    LostState,
    Recovery,
    RecoveryStatus,
    Wanted,
    progress,
)
from jobsprint.domain.times import iso_millis, parse_iso

DeliveryId = Annotated[str, Path(description="Delivery ID: `dlv_…`")]
JobId = Annotated[str, Path(description="Recovery ID: `job_…`")]


class RecoverRequest(BaseModel):
    """What to recover: `failed` deliveries (exhausted or discarded), and `missing` ones (events without a delivery)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    since: Annotated[Moment, Field(description="ISO 8601: events published from then on")]
    until: (
        Annotated[Moment, Field(description="ISO 8601: events published until then. Now, if it is left out")] | None
    ) = None
    events: Annotated[Events, Field(description="Only these events or families. All, if it is left out")] | None = None
    states: Annotated[list[LostState], Field(min_length=1, max_length=2)] = ["failed", "missing"]
    dryRun: Annotated[bool, Field(description="Counts and sends nothing")] = False
    perSecond: Annotated[int, Field(ge=1, le=MAX_PER_SECOND, description="Deliveries per second")] = DEFAULT_PER_SECOND

    def wanted(self, now: int) -> Wanted:
        """What `delivery.recover` takes; `now` in ms."""
        return Wanted(
            since=parse_iso(self.since),
            until=now if self.until is None else parse_iso(self.until),
            events=tuple(self.events or ()),
            states=tuple(dict.fromkeys(self.states)),
            dry_run=self.dryRun,
            per_second=self.perSecond,
        )


class RecoveryQuery(BaseModel):
    """What a recovery was asked for, with the range and the pace that apply."""

    since: str
    until: str
    events: list[str] | None = absent()
    states: list[Literal["failed", "missing"]]
    dryRun: bool
    perSecond: int


class RecoveryView(BaseModel):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: str
    status: RecoveryStatus
    matched: int
    sent: int
    progress: Annotated[int, Field(description="Percent of the range that was gone through")]
    reason: Annotated[str | None, Field(description="Why it ended early, if nobody cancelled it")] = absent()
    createdAt: str
    finishedAt: str | None = absent()
    query: RecoveryQuery

    @classmethod
    def of(cls, job: Recovery) -> "RecoveryView":
        """As it is shown; times are to the millisecond."""
        wanted = job.wanted
        return cls(
            id=job.id,
            status=job.status,
            matched=job.matched,
            sent=job.sent,
            progress=progress(job),
            reason=job.reason,
            createdAt=iso_millis(job.created_at),
            finishedAt=None if job.finished_at is None else iso_millis(job.finished_at),
            query=RecoveryQuery(
                since=iso_millis(wanted.since),
                until=iso_millis(wanted.until),
                events=list(wanted.events) or None,
                states=list(wanted.states),
                dryRun=wanted.dry_run,
                perSecond=wanted.per_second,
            ),
        )
