"""What a connector is, and what it says about its calls.

A connector is made for one use and holds no state between calls. To add one:

1. Write a module with a class that has the members of `Connector`. Its request bodies are pydantic models on top of
   `connectors.fields.ConnectBody`, each address in them a `fields.Url`; its calls go through `outbound.client`, and
   `connectors.responses` turns an HTTP response into a result or an error. What the upstream says is masked by
   `Credentials.masker` before any of it is cut, kept or raised.
2. Add its type to `domain.integrations.IntegrationType`, its class and models to `connectors.registry`, and its
   applications to the catalogue.
3. Write down its conversations with the upstream as tests under `tests/contract`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobsprint.core.canonical_json import JsonObject
from jobsprint.domain.integrations import Capability, Integration, IntegrationStatus
from jobsprint.security.credentials import Credentials

ACTION_SECONDS = 25.0
"""How long an action may take while its caller waits, its token included: API Gateway gives up after 29 s."""

TEST_SECONDS = 10.0
"""How long a connector's test may take."""

LEAST_CALL_SECONDS = 3.0
"""What is left of an action's time for the call, however long its token took; without that nothing is sent."""

_LEAST_SECONDS_LEFT = 0.1  # where everything before was slower than it may be


@dataclass(frozen=True)
class Connection:
    """The result of `connect`: the credentials to encrypt, what the integration can do, and a sentence for the caller.

    `status` is `pending` with an `auth_url` while a person has to authorize, and `error` with a `reason` where the
    upstream is reached but not usable. `connector_state` is kept for the connector's next call.
    """

    credentials: Credentials
    capabilities: tuple[Capability, ...]
    message: str
    status: IntegrationStatus = "connected"
    reason: str | None = None
    auth_url: str | None = None
    connector_state: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class TestResult:
    """One test of a connection. `reason` is a code and `next_step` a sentence, both only after a failure.

    `capabilities` and `connector_state` are new ones, or None where the test did not look for them. `missing_scope` is
    what the upstream demands beyond the credential, where it says so.
    """

    passed: bool
    message: str
    response_ms: int
    reason: str | None = None
    next_step: str | None = None
    capabilities: tuple[Capability, ...] | None = None
    connector_state: JsonObject | None = None
    missing_scope: str = ""


@dataclass(frozen=True)
class ActionCall:
    """One call of an action: all that a connector is given to run it.

    `id` names the call towards the upstream (an idempotency key, a message id). `parameters` fit the capability's
    schema. `deadline` (`time.monotonic`) is the end of the one budget over everything that is sent for the call.
    `traceparent` (W3C Trace Context, checked) goes on to the upstream as the header of that name.
    """

    id: str
    integration: Integration
    credentials: Credentials
    action: str
    parameters: JsonObject
    deadline: float
    traceparent: str | None = None

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, never less than a tenth."""
        return max(self.deadline - time.monotonic(), _LEAST_SECONDS_LEFT)

    @property
    def trace_headers(self) -> dict[str, str]:
        """The header of the trace, if there is one."""
        return {"traceparent": self.traceparent} if self.traceparent else {}


class Connector(Protocol):
    """A third-party system, the upstream of its integrations."""

    def read(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Any:
        """Validate the body of a connect or change request; gives one of `connect_models.CONNECT_MODELS`.

        What the body leaves out is filled in from the integration and its `current` credentials (empty for a new one).
        Raises InvalidFields with every wrong field.
        """

    def connect(self, integration: Integration, given: Any, *, current: Credentials) -> Connection:
        """Try what `read` gave at the upstream, and say what to keep.

        Raises InvalidFields for a field that the upstream refuses, and as `execute` where it fails; nothing of that is
        ever `unknown`.
        """

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """Make a real call without side effects. Never raises for what the upstream does."""

    def execute(self, call: ActionCall) -> JsonObject:
        """Run an action and give what the upstream returned, with `success` in it.

        Raises UpstreamFailed where the upstream failed (`unknown` when the call was sent and its fate is not known;
        `sent` is False only when it certainly was not; `outage` when the upstream is down rather than unwilling),
        UpstreamTimeout when it did not answer in time, and RateLimited when it wants fewer calls.
        """
