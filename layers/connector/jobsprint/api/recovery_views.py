"""What recovering deliveries shows."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.domain.inputs import Described
from jobsprint.domain.recoveries import LostState, Recovery, RecoveryStatus, progress
from jobsprint.domain.times import iso_millis


class RecoveryQuery(TypedDict):
    """What a recovery was asked for, with the range and the pace that apply."""

    since: str
    until: str
    events: NotRequired[list[str] | None]
    states: list[LostState]
    dryRun: bool
    perSecond: int


class RecoveryView(TypedDict):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: str
    status: RecoveryStatus
    matched: int
    sent: int
    progress: Annotated[int, Described("Percent of the range that was gone through")]
    reason: NotRequired[Annotated[str | None, Described("Why it ended early, if nobody cancelled it")]]
    createdAt: str
    finishedAt: NotRequired[str | None]
    query: RecoveryQuery


def recovery_view(job: Recovery) -> RecoveryView:
    """As it is shown; times are to the millisecond."""
    wanted = job.wanted
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
