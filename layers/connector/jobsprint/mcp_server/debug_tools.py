"""Tools to find out why a webhook's deliveries fail, and to send them again."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from jobsprint.api.schemas.common import Moment, period
from jobsprint.api.schemas.deliveries import DeliveryDetail, DeliveryView
from jobsprint.api.schemas.events import EventView
from jobsprint.api.schemas.integrations import TestView
from jobsprint.api.schemas.replays import RecoverRequest, RecoveryView
from jobsprint.api.schemas.webhooks import WebhookStats, WebhookView
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.core.cut import cut_json
from jobsprint.core.models import RequestModel, ResponseModel, validate
from jobsprint.delivery import event_history, replay, resend
from jobsprint.domain.deliveries import DeliveryFilter, DeliveryState
from jobsprint.domain.events import EventFilter
from jobsprint.mcp_server import results
from jobsprint.mcp_server.own_tools import WRITES, NoArguments, own_tool
from jobsprint.mcp_server.tool import Given
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.webhooks import deliveries, sample, stats

_READ, _WRITE = "webhooks:read", "webhooks:write"
_MOST = 20

_Webhook = Annotated[str, Field(description="`wh_…`, from webhook_list")]
_Since = Annotated[Moment | None, Field(description="ISO 8601")]


class OfWebhook(RequestModel):
    """A webhook."""

    webhook_id: _Webhook


class Deliveries(OfWebhook):
    """Which deliveries of a webhook."""

    state: DeliveryState | None = None
    failure: Annotated[str | None, Field(description="Such as dns or http_5xx", max_length=100)] = None
    since: _Since = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 10


class OfDelivery(OfWebhook):
    """A delivery."""

    delivery_id: Annotated[str, Field(description="`dlv_…`")]


class Sample(OfWebhook):
    """A sample to send."""

    event: Annotated[str, Field(max_length=200)] = sample.PING


class Recovery(OfWebhook):
    """What to send again."""

    since: Annotated[str, Field(description="ISO 8601: events published from then on")]
    run: Annotated[bool, Field(description="false counts, and sends nothing")] = False


class Events(RequestModel):
    """Which events."""

    event: Annotated[str | None, Field(max_length=200)] = None
    since: _Since = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 10


def _list(given: Given, _: NoArguments) -> JsonObject:
    found = IntegrationStore(given.caller.tenant).webhooks()
    return _shown(webhooks=[WebhookView.of(webhook) for webhook in found])


def _stats(given: Given, wanted: OfWebhook) -> JsonObject:
    tenant, id_ = given.caller.tenant, wanted.webhook_id
    webhook = IntegrationStore(tenant).webhook(id_)
    return _shown(webhook=WebhookView.of(webhook), stats=WebhookStats.of(id_, stats.of(tenant, id_)))


def _deliveries(given: Given, wanted: Deliveries) -> JsonObject:
    from_ms, _ = period(wanted.since, None)
    chosen = DeliveryFilter(state=wanted.state, failure=wanted.failure, from_ms=from_ms)
    rows, _ = deliveries.page(given.caller.tenant, wanted.webhook_id, chosen, limit=wanted.limit, position=None)
    return _shown(deliveries=[DeliveryView.of(row) for row in rows])


def _delivery(given: Given, wanted: OfDelivery) -> JsonObject:
    row, data = deliveries.find(given.caller.tenant, wanted.webhook_id, wanted.delivery_id)
    return _shown(delivery=DeliveryDetail.of(row, data))


def _events(given: Given, wanted: Events) -> JsonObject:
    from_ms, _ = period(wanted.since, None)
    chosen = EventFilter(event=wanted.event, from_ms=from_ms)
    found, _ = event_history.page(
        given.caller.tenant, chosen, limit=wanted.limit, position=None, limits=given.caller.limits
    )
    return _shown(events=[EventView.of(event) for event in found])


def _test(given: Given, wanted: Sample) -> JsonObject:
    result, at = sample.test(given.caller.tenant, wanted.webhook_id, wanted.event)
    return _shown(test=TestView.of(wanted.webhook_id, result, at))


def _resend(given: Given, wanted: OfDelivery) -> JsonObject:
    row = resend.resend(given.caller.tenant, wanted.webhook_id, wanted.delivery_id, now_ms())
    return _shown(delivery=DeliveryView.of(row))


def _recover(given: Given, wanted: Recovery) -> JsonObject:
    request = validate(RecoverRequest, {"since": wanted.since, "dryRun": not wanted.run}, "arguments")
    job = replay.start(given.caller.tenant, wanted.webhook_id, request.wanted(now_ms()))
    return _shown(recovery=RecoveryView.of(job))


def _shown(**parts: ResponseModel | Sequence[ResponseModel]) -> JsonObject:
    """The parts as JSON, each within the bound of a result."""
    return results.answered({name: cut_json(_dumped(part), results.MAX_BYTES) for name, part in parts.items()})


def _dumped(part: ResponseModel | Sequence[ResponseModel]) -> Any:
    return part.model_dump() if isinstance(part, ResponseModel) else [one.model_dump() for one in part]


TOOLS = (
    own_tool("webhook_list", "The webhooks, their states, and why one is disabled.", NoArguments, _list, scope=_READ),
    own_tool(
        "webhook_stats", "A webhook: answers, failures by kind, durations, what waits.", OfWebhook, _stats, scope=_READ
    ),
    own_tool(
        "webhook_deliveries",
        "Deliveries of a webhook with their attempts, newest first.",
        Deliveries,
        _deliveries,
        scope=_READ,
    ),
    own_tool(
        "webhook_delivery",
        "A delivery: what was sent, what came back, the cause of a failure and the next step.",
        OfDelivery,
        _delivery,
        scope=_READ,
    ),
    own_tool("webhook_events", "Published events, newest first.", Events, _events, scope=_READ),
    own_tool(
        "webhook_test",
        "Send a signed sample of an event to a webhook.",
        Sample,
        _test,
        scope=_WRITE,
        annotations=WRITES,
    ),
    own_tool(
        "webhook_resend",
        "Send a delivery again.",
        OfDelivery,
        _resend,
        scope=_WRITE,
        audited="webhook.resend",
        annotations=WRITES,
    ),
    own_tool(
        "webhook_recover",
        "Send again what failed or is missing. Counts only, unless run is true.",
        Recovery,
        _recover,
        scope=_WRITE,
        audited="webhook.recover",
        annotations=WRITES,
    ),
)
