"""What recovering deliveries shows."""

from typing import Annotated, NotRequired

from msgspec import field
from typing_extensions import TypedDict

from jobsprint.api.schemas.common import moment, without_absent
from jobsprint.connectors.fields import Events
from jobsprint.core.clock import iso_millis, parse_iso, parse_until
from jobsprint.domain.inputs import Between, Check, Described, Input, Length
from jobsprint.domain.replay import (
    DEFAULT_PER_SECOND,
    MAX_PER_SECOND,
    ReplayJob,
    ReplayRequest,
    ReplayStatus,
    UndeliveredState,
    progress,
)


class RecoveryQuery(TypedDict):
    """What a recovery was asked for, with the range and the pace that apply."""

    since: str
    until: str
    events: NotRequired[list[str] | None]
    states: list[UndeliveredState]
    dryRun: bool
    perSecond: int


class RecoveryView(TypedDict):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: str
    status: ReplayStatus
    matched: int
    sent: int
    progress: Annotated[int, Described("Percent of the range that was gone through")]
    reason: NotRequired[Annotated[str | None, Described("Why it ended early, if nobody cancelled it")]]
    createdAt: str
    finishedAt: NotRequired[str | None]
    query: RecoveryQuery


def recovery_view(job: ReplayJob) -> RecoveryView:
    """As it is shown; times are to the millisecond."""
    wanted = job.request
    query = RecoveryQuery(
        since=iso_millis(wanted.since),
        until=iso_millis(wanted.until),
        events=list(wanted.events) or None,
        states=list(wanted.states),
        dryRun=wanted.dry_run,
        perSecond=wanted.per_second,
    )
    return without_absent(
        RecoveryView(
            id=job.id,
            status=job.status,
            matched=job.matched,
            sent=job.sent,
            progress=progress(job),
            reason=job.reason,
            createdAt=iso_millis(job.created_at),
            finishedAt=None if job.finished_at is None else iso_millis(job.finished_at),
            query=without_absent(query),
        )
    )


_Moment = Annotated[str, Check(moment)]


class RecoverRequest(Input, frozen=True):
    """What to recover: `failed` deliveries (exhausted or discarded), and `missing` ones (events without a delivery)."""

    since: Annotated[_Moment, Described("ISO 8601: events published from then on")]
    until: Annotated[_Moment, Described("ISO 8601: events published until then. Now, if it is left out")] | None = None
    events: Annotated[Events, Described("Only these events or families. All, if it is left out")] | None = None
    states: Annotated[list[UndeliveredState], Length(1, 2)] = field(default_factory=lambda: ["failed", "missing"])
    dryRun: Annotated[bool, Described("Counts and sends nothing")] = False
    perSecond: Annotated[int, Between(1, MAX_PER_SECOND), Described("Deliveries per second")] = DEFAULT_PER_SECOND

    def wanted(self, now: int) -> ReplayRequest:
        """What `delivery.replay` takes; `now` in ms."""
        return ReplayRequest(
            since=parse_iso(self.since),
            until=now if self.until is None else parse_until(self.until),
            events=tuple(self.events or ()),
            states=tuple(dict.fromkeys(self.states)),
            dry_run=self.dryRun,
            per_second=self.perSecond,
        )
