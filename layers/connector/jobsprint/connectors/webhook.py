"""Webhooks as integrations: their test is a signed `ping` event; they have no actions.

A polling endpoint is one without an address.
"""

from collections.abc import Mapping

from jobsprint.connectors import responses, signed_post
from jobsprint.connectors.base import TEST_SECONDS, ActionCall, Connection, TestResult
from jobsprint.connectors.fields import Events, Secret, Target, kept_headers, read_body
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import new_id
from jobsprint.core.models import RequestModel, validate
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.security import signing
from jobsprint.security.credentials import Credentials


class WebhookTarget(Target):
    """Where a webhook is delivered, and for which events."""

    events: Events


class PollingTarget(RequestModel):
    """For which events a polling endpoint waits."""

    events: Events
    secret: Secret | None = None


class Webhook:
    """The connector of webhook subscriptions."""

    def read(
        self, integration: Integration, body: Mapping[str, object], *, current: Credentials
    ) -> WebhookTarget | PollingTarget:
        """Validate the body over what is kept already."""
        kept: dict[str, object] = {"events": list(integration.events)} if integration.events else {}
        if integration.is_polling:
            return validate(PollingTarget, {**kept, **body})
        if current.url:
            kept |= {"url": current.url, "headers": dict(current.headers)}
        whole = {**kept, **body}
        return read_body(WebhookTarget, whole, current_url=current.url, kept=kept_headers(body, current))

    def connect(
        self, integration: Integration, given: WebhookTarget | PollingTarget, *, current: Credentials
    ) -> Connection:
        """Keep what is given; makes a secret where there is none."""
        secrets = (given.secret,) if given.secret else current.secrets or (signing.generate_secret(),)
        retired = () if given.secret else current.retired_at(now_ms())
        url, headers = (given.url, given.headers) if isinstance(given, WebhookTarget) else ("", {})
        return Connection(
            credentials=Credentials(url, headers, secrets, retired=retired),
            capabilities=tuple(Capability(name) for name in dict.fromkeys(given.events)),
            message="Subscribed",
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """POST a signed `ping` event; 2xx passes."""
        now = now_ms()
        body = signing.signed_body(
            "ping", iso_seconds(now), f'{{"webhookId":"{integration.id}"}}', credentials.secrets[0]
        )
        result = signed_post.post_body(credentials, body, new_id("evt", now), TEST_SECONDS, 1024, head_decides=True)
        return responses.test_result(result, credentials.masker())

    def execute(self, call: ActionCall) -> JsonObject:
        """A webhook only listens. Raises NotFound."""
        raise NotFound("A webhook has no actions; publish an event with POST /v1/events", code="action_not_found")
