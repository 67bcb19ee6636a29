"""What a connector is, and what it says of its calls.

A connector is made for one integration with its open credentials, and holds no state between calls. To add one: a
module with a class of these three methods, one line in `registry.py`, and its conversations under `tests/contract`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.integrations import Capability, Integration, IntegrationStatus
from jobsprint.security.credentials import Credentials

ACTION_SECONDS = 25.0
"""How long an action may take while its caller waits, its token included: API Gateway gives up after 29 s."""

TEST_SECONDS = 10.0
"""How long a connector's test may take."""

LEAST_CALL_SECONDS = 3.0
"""What is left of an action's time for the call, however long its token took; without that nothing is sent."""


@dataclass(frozen=True)
class CallContext:
    """What surrounds an action call: `seconds` is its one budget over everything that the connector sends for it, and
    `traceparent` (W3C Trace Context, checked) goes on to the other side as the header of that name."""

    seconds: float = ACTION_SECONDS
    traceparent: str | None = None


@dataclass(frozen=True)
class Connection:
    """What `connect` settled: the credentials to encrypt, what the integration can do, and a sentence for the caller.

    `status` is `pending` with an `auth_url` while a person has to consent, and `error` with a `reason` where the other
    side is reached but not usable. `facts` is kept for the connector's next call.
    """

    credentials: Credentials
    capabilities: tuple[Capability, ...]
    message: str
    status: IntegrationStatus = "connected"
    reason: str | None = None
    auth_url: str | None = None
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class TestResult:
    """One test of a connection. `reason` is a code and `next_step` a sentence, both only after a failure.

    `capabilities` and `facts` are what the test found anew, or None where it did not look. `missing_scope` is what the
    other side demands beyond the credential, where it says so.
    """

    passed: bool
    message: str
    response_ms: int
    reason: str | None = None
    next_step: str | None = None
    capabilities: tuple[Capability, ...] | None = None
    facts: JsonObject | None = None
    missing_scope: str = ""


class Connector(Protocol):
    """A third-party system. Every address it is given goes through `outbound.client`."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        """Checks the body of a connect or change request and says what to keep.

        `current` holds the credentials so far (empty for a new integration). Raises InvalidFields.
        """

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """A real call without side effects. Never raises for what the other side does."""

    def execute(
        self,
        integration: Integration,
        credentials: Credentials,
        *,
        call_id: str,
        action: str,
        parameters: JsonObject,
        context: CallContext,
    ) -> JsonObject:
        """Runs an action and gives what the other side returned, with `success` in it.

        `call_id` names this call towards the other side. Raises UpstreamFailed when the other side failed
        (`unknown` when the call was sent and its fate is not known; `sent` is False only when it certainly was not;
        `outage` when the other side is down rather than unwilling), UpstreamTimeout when it did not answer in time,
        and RateLimited when it wants fewer calls.
        """
