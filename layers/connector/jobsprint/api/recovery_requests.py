"""What recovering deliveries takes. Class names are unique: they name OpenAPI components."""

from typing import Annotated

from msgspec import field

from jobsprint.api.shared_parameters import moment
from jobsprint.connectors.fields import Events
from jobsprint.domain.inputs import Between, Check, Described, Input, Length
from jobsprint.domain.recoveries import DEFAULT_PER_SECOND, MAX_PER_SECOND, LostState, Wanted
from jobsprint.domain.times import parse_iso, parse_until

_Moment = Annotated[str, Check(moment)]


class RecoverRequest(Input, frozen=True):
    """What to recover: `failed` deliveries (exhausted or discarded), and `missing` ones (events without a delivery)."""

    since: Annotated[_Moment, Described("ISO 8601: events published from then on")]
    until: Annotated[_Moment, Described("ISO 8601: events published until then. Now, if it is left out")] | None = None
    events: Annotated[Events, Described("Only these events or families. All, if it is left out")] | None = None
    states: Annotated[list[LostState], Length(1, 2)] = field(default_factory=lambda: ["failed", "missing"])
    dryRun: Annotated[bool, Described("Counts and sends nothing")] = False
    perSecond: Annotated[int, Between(1, MAX_PER_SECOND), Described("Deliveries per second")] = DEFAULT_PER_SECOND

    def wanted(self, now: int) -> Wanted:
        """What `delivery.recover` takes; `now` in ms."""
        return Wanted(
            since=parse_iso(self.since),
            until=now if self.until is None else parse_until(self.until),
            events=tuple(self.events or ()),
            states=tuple(dict.fromkeys(self.states)),
            dry_run=self.dryRun,
            per_second=self.perSecond,
        )
