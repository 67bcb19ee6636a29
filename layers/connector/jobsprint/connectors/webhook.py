"""Webhooks as integrations: their test is a signed `ping` event; they have no actions."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from jobsprint.connectors import outcomes
from jobsprint.connectors.base import CallContext, Connection, TestResult
from jobsprint.connectors.calls import TEST_SECONDS, check_target, post_body
from jobsprint.connectors.fields import Events, Headers, Secret, Url
from jobsprint.domain.errors import NotFound
from jobsprint.domain.ids import new_id
from jobsprint.domain.models import Capability, Integration, JsonObject
from jobsprint.domain.times import iso_seconds, now_ms
from jobsprint.domain.validation import validate
from jobsprint.security import signing
from jobsprint.security.credentials import Credentials


class WebhookTarget(BaseModel):
    """Where a webhook is delivered, and for which events."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Url
    events: Events
    headers: Headers = Field(default_factory=dict)
    secret: Secret | None = None


class Webhook:
    """The connector of webhook subscriptions."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        """Keeps what the body says, over what is there already; makes a secret where there is none."""
        kept: dict[str, object] = {}
        if current.url:
            kept = {"url": current.url, "headers": dict(current.headers), "events": list(integration.events)}
        given = validate(WebhookTarget, {**kept, **body})
        if given.url != current.url:
            check_target(given.url)
        secrets = (given.secret,) if given.secret else current.secrets or (signing.generate_secret(),)
        retired = () if given.secret else current.retired_at(now_ms())
        return Connection(
            credentials=Credentials(given.url, given.headers, secrets, retired=retired),
            capabilities=tuple(Capability(name) for name in dict.fromkeys(given.events)),
            message="Subscribed",
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """POSTs a signed `ping` event; 2xx passes."""
        now = now_ms()
        body = signing.signed_body(
            "ping", iso_seconds(now), f'{{"webhookId":"{integration.id}"}}', credentials.secrets[0]
        )
        outcome = post_body(credentials, body, new_id("evt", now), TEST_SECONDS, 1024)
        return outcomes.test_result(outcome)

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
        """A webhook only listens. Raises NotFound."""
        raise NotFound("A webhook has no actions; publish an event with POST /v1/events", code="action_not_found")
