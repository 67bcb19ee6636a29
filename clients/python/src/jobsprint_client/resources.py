"""The operations of the API, by resource.

Generated from docs/openapi.json by tools/clients; `make clients` writes it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from jobsprint_client import models, params
from jobsprint_client._call import Call, new_key, segment, with_id, with_ids
from jobsprint_client._model import OMIT, Omit, wire_name
from jobsprint_client.pages import Pages

T = TypeVar("T")


class Sender(Protocol):
    """What sends the calls."""

    def send(self, call: Call[T]) -> T: ...

    def pages(self, call: Call[T]) -> Pages[T]: ...


class Webhooks:
    """Subscribe an endpoint of yours to events, and see, repeat and recover its deliveries. Begin here: create a
    webhook, then publish an event.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, limit: int | None = None) -> Pages[models.WebhookView]:
        """List webhooks.

        Webhooks without their secrets.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(Call("GET", "/integrations/webhooks", models.WebhookView, query={"limit": limit}))

    def create(
        self,
        *,
        name: str,
        events: Sequence[str],
        url: str | Omit = OMIT,
        type: Literal["webhook", "polling"] | Omit = OMIT,
        headers: Mapping[str, str] | Omit | None = OMIT,
        secret: str | Omit | None = OMIT,
        retry_schedule: Sequence[int] | Omit | None = OMIT,
        rate_limit: int | Omit | None = OMIT,
        filter: Mapping[str, Any] | Omit | None = OMIT,
        expires_in: int | Omit | None = OMIT,
        idempotency_key: str | None = None,
    ) -> models.WebhookView:
        """Create webhook.

        The answer shows the signing secret, this once; a missing one is made.

        Scope: `webhooks:write`. Portal: `webhooks`.

        Args:
            name: What people call it.
            events: Names such as `workflow.executed`, families such as `workflow.*`, or `*`.
            url: Where to send events: HTTPS, and no private address.
            type: `webhook`, the default: events are sent to `url`. `polling`: they wait until a client polls
                for them.
            headers: Sent with every delivery.
            secret: The signing secret; made where it is left out.
            retry_schedule: Seconds to wait before each attempt, the first one (at most 900) included, 14 days
                together; without it the service's own holds.
            rate_limit: Most deliveries per second; what is over it waits.
            filter: An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`; the webhook
                gets only the events that match.
            expires_in: A polling endpoint is removed once nobody has polled for so many seconds; without it,
                never.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            Conflict: `too_many_webhooks`, `idempotency_key_reused`, `idempotency_in_progress`,
                `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`, `forbidden_url`.
        """
        return self._sender.send(
            Call(
                "POST",
                "/integrations/webhooks",
                models.WebhookView,
                body={
                    "name": name,
                    "events": events,
                    "url": url,
                    "type": type,
                    "headers": headers,
                    "secret": secret,
                    "retrySchedule": retry_schedule,
                    "rateLimit": rate_limit,
                    "filter": filter,
                    "expiresIn": expires_in,
                },
                key=new_key(idempotency_key),
            )
        )

    def get(self, webhook_id: str) -> models.WebhookView:
        """Get webhook.

        A webhook without its secret.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("GET", f"/integrations/webhooks/{segment(webhook_id)}", models.WebhookView))

    def update(
        self,
        webhook_id: str,
        *,
        name: str | Omit | None = OMIT,
        url: str | Omit | None = OMIT,
        events: Sequence[str] | Omit | None = OMIT,
        headers: Mapping[str, str] | Omit | None = OMIT,
        active: bool | Omit | None = OMIT,
        retry_schedule: Sequence[int] | Omit | None = OMIT,
        rate_limit: int | Omit | None = OMIT,
        filter: Mapping[str, Any] | Omit | None = OMIT,
    ) -> models.WebhookView:
        """Change webhook.

        Changes what is given; `active: false` pauses it.

        Scope: `webhooks:write`. Portal: `webhooks`.

        Args:
            webhook_id: Webhook ID.
            name: What people call it.
            url: Where to send events; another host needs the headers again.
            events: Replaces the events it gets.
            headers: Replaces its headers; `{}` removes them.
            active: false pauses it, true lets it go on.
            retry_schedule: Seconds to wait before each attempt, the first one (at most 900) included, 14 days
                together; without it the service's own holds.
            rate_limit: Most deliveries per second; what is over it waits.
            filter: An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`; the webhook
                gets only the events that match.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`, `forbidden_url`.
        """
        return self._sender.send(
            Call(
                "PATCH",
                f"/integrations/webhooks/{segment(webhook_id)}",
                models.WebhookView,
                body={
                    "name": name,
                    "url": url,
                    "events": events,
                    "headers": headers,
                    "active": active,
                    "retrySchedule": retry_schedule,
                    "rateLimit": rate_limit,
                    "filter": filter,
                },
            )
        )

    def delete(self, webhook_id: str) -> models.Deleted:
        """Delete webhook.

        What is still on its way to it ends as `discarded`.

        Scope: `webhooks:write`. Portal: `webhooks`.

        Args:
            webhook_id: Webhook ID.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("DELETE", f"/integrations/webhooks/{segment(webhook_id)}", models.Deleted))

    def acknowledge_messages(
        self, webhook_id: str, *, messages: Sequence[params.MessageReport]
    ) -> models.AcknowledgedMessages:
        """Acknowledge messages.

        Records an attempt for each message. Each is judged alone, and a repeat changes nothing. After `error`
        a message is handed out again by the webhook's retry schedule.

        Scope: `webhooks:write`.

        Args:
            webhook_id: Webhook ID.
            messages: A report for each message.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `wrong_webhook_type`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/ack",
                models.AcknowledgedMessages,
                body={"messages": messages},
            )
        )

    def list_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "retrying", "exhausted", "discarded"] | None = None,
        event: str | None = None,
        code_class: Literal["2xx", "3xx", "4xx", "5xx", "none"] | None = None,
        failure: str | None = None,
        from_date: datetime | str | None = None,
        to_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> Pages[models.DeliveryView]:
        """List deliveries.

        Each delivery with its state and every attempt.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.
            state: Filter by state.
            event: Filter by event name.
            code_class: Filter by the status of an attempt's answer; `none`: an attempt without one.
            failure: Filter by the failure of an attempt, such as dns or http_5xx.
            from_date: Published at or after this date (ISO 8601).
            to_date: Published at or before this date (ISO 8601).
            limit: Items per page.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                f"/integrations/webhooks/{segment(webhook_id)}/deliveries",
                models.DeliveryView,
                query={
                    "state": state,
                    "event": event,
                    "codeClass": code_class,
                    "failure": failure,
                    "fromDate": from_date,
                    "toDate": to_date,
                    "limit": limit,
                },
            )
        )

    def get_delivery(self, webhook_id: str, delivery_id: str) -> models.DeliveryDetail:
        """Get delivery.

        What was sent at each attempt, what came back, how long each phase took, and what a failure means.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.
            delivery_id: Delivery ID: `dlv_…`.

        Raises:
            NotFound: `delivery_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "GET",
                f"/integrations/webhooks/{segment(webhook_id)}/deliveries/{segment(delivery_id)}",
                models.DeliveryDetail,
            )
        )

    def resend_delivery(
        self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None
    ) -> models.DeliveryView:
        """Resend delivery.

        Retries the delivery immediately. An ended delivery restarts its retry schedule; a waiting one keeps
        it.

        Scope: `webhooks:write`. Portal: `send`.

        Args:
            webhook_id: Webhook ID.
            delivery_id: Delivery ID: `dlv_…`.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `delivery_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `delivery_in_progress`, `event_expired`, `webhook_paused`, `webhook_disabled`,
                `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/deliveries/{segment(delivery_id)}/resend",
                models.DeliveryView,
                key=new_key(idempotency_key),
            )
        )

    def poll_messages(
        self, webhook_id: str, *, wait: int | None = None, lease: int | None = None, limit: int | None = None
    ) -> models.PolledMessages:
        """Poll for messages.

        Hands out the oldest messages under a lease: at most 100 or 4 MB, and at least one if any waits.
        Acknowledge each; what is not acknowledged is handed out again after its lease.

        Scope: `webhooks:write`.

        Args:
            webhook_id: Webhook ID.
            wait: Seconds to wait for a message if there is none.
            lease: Seconds in which to acknowledge the messages; after that they are handed out again.
            limit: The most messages to take.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `wrong_webhook_type`, `webhook_paused`, `webhook_disabled`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "GET",
                f"/integrations/webhooks/{segment(webhook_id)}/poll",
                models.PolledMessages,
                query={"wait": wait, "lease": lease, "limit": limit},
            )
        )

    def list_recoveries(self, webhook_id: str, *, limit: int | None = None) -> Pages[models.RecoveryView]:
        """List recoveries.

        Newest first. Kept for 30 days.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.
            limit: Items per page.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                f"/integrations/webhooks/{segment(webhook_id)}/recover",
                models.RecoveryView,
                query={"limit": limit},
            )
        )

    def recover(
        self,
        webhook_id: str,
        *,
        since: datetime | str,
        until: datetime | str | Omit | None = OMIT,
        events: Sequence[str] | Omit | None = OMIT,
        states: Sequence[Literal["failed", "missing"]] | Omit = OMIT,
        dry_run: bool | Omit = OMIT,
        per_second: int | Omit = OMIT,
        idempotency_key: str | None = None,
    ) -> models.RecoveryView:
        """Recover webhook.

        Starts a job without upper limit. A dry run is counted at once; where that takes long it goes on as
        `running`.

        Scope: `webhooks:write`. Portal: `send`.

        Args:
            webhook_id: Webhook ID.
            since: ISO 8601: events published from then on.
            until: ISO 8601: events published until then. Now, if it is left out.
            events: Only these events or families. All, if it is left out.
            states: Which deliveries.
            dry_run: Counts and sends nothing.
            per_second: Deliveries per second.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `recovery_running`, `webhook_paused`, `webhook_disabled`, `idempotency_key_reused`,
                `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/recover",
                models.RecoveryView,
                body={
                    "since": since,
                    "until": until,
                    "events": events,
                    "states": states,
                    "dryRun": dry_run,
                    "perSecond": per_second,
                },
                key=new_key(idempotency_key),
            )
        )

    def get_recovery(self, webhook_id: str, job_id: str) -> models.RecoveryView:
        """Get recovery.

        Its state, its counts and what it was asked for. Kept for 30 days.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.
            job_id: Recovery ID: `job_…`.

        Raises:
            NotFound: `recovery_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("GET", f"/integrations/webhooks/{segment(webhook_id)}/recover/{segment(job_id)}", models.RecoveryView)
        )

    def cancel_recovery(
        self, webhook_id: str, job_id: str, *, idempotency_key: str | None = None
    ) -> models.RecoveryView:
        """Cancel recovery.

        Ends it; what was handed over by then, at most ten seconds' worth, is still sent.

        Scope: `webhooks:write`. Portal: `send`.

        Args:
            webhook_id: Webhook ID.
            job_id: Recovery ID: `job_…`.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `recovery_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `recovery_ended`, `idempotency_key_reused`, `idempotency_in_progress`,
                `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/recover/{segment(job_id)}/cancel",
                models.RecoveryView,
                key=new_key(idempotency_key),
            )
        )

    def rotate_secret(
        self,
        webhook_id: str,
        *,
        overlap_seconds: int | Omit | None = OMIT,
        revoke_now: bool | Omit = OMIT,
        secret: str | Omit | None = OMIT,
        idempotency_key: str | None = None,
    ) -> models.RotatedSecret:
        """Rotate secret.

        The answer shows the new secret, this once. `webhook-signature` carries one signature for each valid
        secret, newest first; the signature in the body and `X-Jobsprint-Signature` use the newest.

        Scope: `webhooks:write`. Portal: `secrets`.

        Args:
            webhook_id: Webhook ID.
            overlap_seconds: How long the old secret signs too; 86400 by default.
            revoke_now: Ends every old secret at once, like an overlap of 0.
            secret: The new secret; without one it is made.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `too_many_secrets`, `wrong_webhook_type`, `idempotency_key_reused`,
                `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/rotate-secret",
                models.RotatedSecret,
                body={"overlapSeconds": overlap_seconds, "revokeNow": revoke_now, "secret": secret},
                key=new_key(idempotency_key),
            )
        )

    def get_stats(self, webhook_id: str) -> models.WebhookStats:
        """Webhook stats.

        Attempts over the last 24 hours and 7 days, in whole hours (UTC) with the one under way, and what
        waits. Durations are within 9.1 % of the exact quantile.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            webhook_id: Webhook ID.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("GET", f"/integrations/webhooks/{segment(webhook_id)}/stats", models.WebhookStats)
        )

    def test(self, webhook_id: str, *, event: str | Omit = OMIT, idempotency_key: str | None = None) -> models.TestView:
        """Test webhook.

        Sends one signed sample event, a `ping` unless `event` names another. It is no delivery: it is not
        retried, and changes neither the webhook's figures nor its state. A failed test is a 200 with `passed:
        false`.

        Scope: `webhooks:write`. Portal: `send`.

        Args:
            webhook_id: Webhook ID.
            event: The event to send a sample of.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `webhook_not_found`, `not_found`.
            Conflict: `webhook_paused`, `webhook_disabled`, `wrong_webhook_type`, `idempotency_key_reused`,
                `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/webhooks/{segment(webhook_id)}/test",
                models.TestView,
                body={"event": event},
                key=new_key(idempotency_key),
            )
        )


class Events:
    """Publish events, see how they were delivered, and describe their data. An event goes to every webhook that
    takes its name.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list_types(self, *, limit: int | None = None) -> Pages[models.EventTypeView]:
        """List event types.

        In the order of their names.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(Call("GET", "/event-types", models.EventTypeView, query={"limit": limit}))

    def put_type(
        self,
        *,
        name: str,
        description: str | Omit | None = OMIT,
        schema: Mapping[str, Any] | Omit | None = OMIT,
        mode: Literal["off", "warn"] | Omit = OMIT,
    ) -> models.EventTypeView:
        """Put event type.

        201 for a new one, else 200. Publishing heeds it within a minute.

        Scope: `webhooks:write`. Portal: `webhooks`.

        Args:
            name: Such as `workflow.executed`.
            description: What the event means.
            schema: JSON Schema of an event's `data`, 2020-12 unless it says else.
            mode: warn: events that break the schema are taken and marked.

        Raises:
            Conflict: `too_many_event_types`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "PUT",
                "/event-types",
                models.EventTypeView,
                body={"name": name, "description": description, "schema": schema, "mode": mode},
            )
        )

    def delete_type(self, name: str) -> models.EventTypeDeleted:
        """Delete event type.

        Events of that name are published as before, and within a minute no longer checked.

        Scope: `webhooks:write`. Portal: `webhooks`.

        Args:
            name: Event name.

        Raises:
            NotFound: `event_type_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("DELETE", f"/event-types/{segment(name)}", models.EventTypeDeleted))

    def list(
        self,
        *,
        event: str | None = None,
        from_date: datetime | str | None = None,
        to_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> Pages[models.EventView]:
        """List events.

        Newest first, without data; the events that the service publishes among them.

        Scope: `events:read`. Portal: `view`.

        Args:
            event: Filter by event name.
            from_date: Published at or after this date (ISO 8601).
            to_date: Published at or before this date (ISO 8601).
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                "/events",
                models.EventView,
                query={"event": event, "fromDate": from_date, "toDate": to_date, "limit": limit},
            )
        )

    def publish(
        self,
        *,
        event: str,
        data: Mapping[str, Any],
        id: str | Omit | None = OMIT,
        timestamp: datetime | str | Omit | None = OMIT,
    ) -> models.EventTaken:
        """Publish events.

        Answers when every delivery is queued. The same `id` and body give the same answer, another body a
        409.

        Scope: `events:publish`. Portal: `send`.

        Args:
            event: Such as `workflow.executed`.
            data: Up to 200 KB as JSON.
            id: Your own id of the event: the same id and body are one event, another body is a 409.
            timestamp: When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out.

        Raises:
            Conflict: `event_id_reused`, `idempotency_key_reused`, `idempotency_in_progress`,
                `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`, `no_event_taken`.
        """
        return self._sender.send(
            Call(
                "POST",
                "/events",
                models.EventTaken,
                body=with_id({"event": event, "data": data, "id": id, "timestamp": timestamp}),
            )
        )

    def publish_batch(
        self, *, events: Sequence[params.PublishEvent]
    ) -> Sequence[models.EventTaken | models.EventRefused]:
        """Publish events.

        Answers when every delivery is queued. The same `id` and body give the same answer, another body a
        409.

        Scope: `events:publish`. Portal: `send`.

        Args:
            events: The events, in the order of publishing.

        Raises:
            Conflict: `event_id_reused`, `idempotency_key_reused`, `idempotency_in_progress`,
                `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`, `no_event_taken`.
        """
        return self._sender.send(
            Call("POST", "/events", list[models.EventTaken | models.EventRefused], body=with_ids({"events": events}))
        )

    def preview(
        self,
        *,
        event: str,
        data: Mapping[str, Any],
        id: str | Omit | None = OMIT,
        timestamp: datetime | str | Omit | None = OMIT,
    ) -> models.Reach:
        """Preview an event.

        Takes an event as publishing does; nothing is published or kept.

        Scope: `webhooks:read`. Portal: `view`.

        Args:
            event: Such as `workflow.executed`.
            data: Up to 200 KB as JSON.
            id: Your own id of the event: the same id and body are one event, another body is a 409.
            timestamp: When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out.

        Raises:
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                "/events/preview",
                models.Reach,
                body={"event": event, "data": data, "id": id, "timestamp": timestamp},
            )
        )

    def get(self, event_id: str) -> models.EventDetail:
        """Get event.

        Its data as webhooks get it, and its deliveries: all that were queued when it was published, by their
        states.

        Scope: `events:read`. Portal: `view`.

        Args:
            event_id: Event ID: `evt_…`.

        Raises:
            NotFound: `event_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("GET", f"/events/{segment(event_id)}", models.EventDetail))


class Integrations:
    """Find an application, connect it, test and change the connection: Zapier, n8n, MCP servers and HTTP
    endpoints of your own.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        type: Literal["zapier", "n8n", "custom", "webhook", "mcp"] | None = None,
        status: Literal["connected", "disconnected", "pending", "error"] | None = None,
        limit: int | None = None,
    ) -> Pages[models.IntegrationSummary]:
        """List integrations.

        Available and configured integrations of the tenant, newest first; webhooks only with `webhooks:read`.

        Scope: `integrations:read`. Portal: `view`.

        Args:
            type: Filter by type.
            status: Filter by status.
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                "/integrations",
                models.IntegrationSummary,
                query={"type": type, "status": status, "limit": limit},
            )
        )

    def search_available(
        self,
        *,
        query: str | None = None,
        category: str | None = None,
        type: Literal["zapier", "n8n", "custom", "webhook", "mcp"] | None = None,
        limit: int | None = None,
    ) -> Pages[models.AvailableIntegration]:
        """Search available integrations.

        Applications by relevance, then popularity.

        Scope: `integrations:read`. Portal: `view`.

        Args:
            query: Search query.
            category: Filter by category.
            type: Filter by type.
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                "/integrations/available",
                models.AvailableIntegration,
                query={"query": query, "category": category, "type": type, "limit": limit},
            )
        )

    def get(self, integration_id: str) -> models.IntegrationDetail:
        """Get integration.

        Capabilities, configuration with secrets masked, usage and health.

        Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("GET", f"/integrations/{segment(integration_id)}", models.IntegrationDetail))

    def update(
        self,
        integration_id: str,
        *,
        name: str | Omit | None = OMIT,
        description: str | Omit | None = OMIT,
        configuration: Mapping[str, Any] | Omit = OMIT,
        approval: params.Approvals | Omit | None = OMIT,
        **fields: Any,
    ) -> models.IntegrationDetail:
        """Change integration.

        Changes name, description, configuration, and what its connector was given: url, headers, secret,
        actions.

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `webhooks`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            name: What people call it; the application's name where it is left out.
            description: What it is for.
            configuration: Facts about the connection that are no secrets.
            approval: Which actions a person has to approve before each call; none of its own.
            fields: Others, by the names of the API or in Python's spelling.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `not_connected`, `reauth_required`, `credential_rejected`, `changed_meanwhile`,
                `conflict`.
            InvalidFields: `invalid_fields`, `forbidden_url`, `credential_rejected`, `not_n8n`, `redirect`,
                `api_key_scope`, `mcp_token_scope`, `mcp_token_rejected`, `mcp_disabled`.
            UpstreamFailed: `upstream_connect`, `upstream_failed`, `upstream_unauthorized`,
                `upstream_refused`, `upstream_not_found`, `credential_rejected`, `upstream_dns`,
                `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`, `upstream_plain_http`,
                `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`, `upstream_headers_too_large`,
                `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
                `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`,
                `circuit_open`, `insufficient_scope`, `token_refresh_failed`, `forbidden_url`,
                `authorization_not_offered`, `registration_not_offered`, `registration_refused`,
                `pkce_not_supported`, `issuer_mismatch`, `resource_mismatch`, `mcp_disabled`,
                `mcp_token_rejected`, `upstream_http_4xx`, `upstream_http_5xx`,
                `upstream_workflows_too_large`, `upstream_unavailable`, `catalogue_unavailable`.
            UpstreamTimeout: `upstream_timeout`, `outcome_unknown`, `timeout`.
        """
        return self._sender.send(
            Call(
                "PATCH",
                f"/integrations/{segment(integration_id)}",
                models.IntegrationDetail,
                body={
                    "name": name,
                    "description": description,
                    "configuration": configuration,
                    "approval": approval,
                    **{wire_name(name): value for name, value in fields.items()},
                },
            )
        )

    def delete(self, integration_id: str) -> models.Deleted:
        """Delete integration.

        Deletes an integration that is not connected; its logs stay until their time is up.

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `webhooks`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `still_connected`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("DELETE", f"/integrations/{segment(integration_id)}", models.Deleted))

    def confirm(
        self, integration_id: str, *, confirmation: str, idempotency_key: str | None = None
    ) -> models.ConnectView:
        """Confirm authorization.

        Connects an integration whose authorization was begun with `confirm`, within ten minutes of the
        callback.

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `webhooks`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            confirmation: As the redirect to `redirectUrl` brought it.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `not_pending`, `reauth_required`, `idempotency_key_reused`, `idempotency_in_progress`,
                `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_confirmation`, `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/{segment(integration_id)}/confirm",
                models.ConnectView,
                body={"confirmation": confirmation},
                key=new_key(idempotency_key),
            )
        )

    def connect(
        self,
        integration_id: str,
        *,
        name: str | Omit | None = OMIT,
        url: str | Omit = OMIT,
        description: str | Omit | None = OMIT,
        configuration: Mapping[str, Any] | Omit = OMIT,
        approval: params.Approvals | Omit | None = OMIT,
        headers: Mapping[str, str] | Omit = OMIT,
        secret: str | Omit | None = OMIT,
        actions: Sequence[params.CustomAction] | Omit = OMIT,
        auth_type: Literal["oauth", "token", "none"] | Omit = OMIT,
        redirect_url: str | Omit | None = OMIT,
        server_url: str | Omit = OMIT,
        confirm: bool | Omit = OMIT,
        token: str | Omit | None = OMIT,
        base_url: str | Omit = OMIT,
        api_key: str | Omit = OMIT,
        mcp_token: str | Omit | None = OMIT,
        tags: Sequence[str] | Omit = OMIT,
        webhook_auth: Mapping[str, params.HeaderAuth | params.BasicAuth | params.JwtAuth] | Omit = OMIT,
        idempotency_key: str | None = None,
    ) -> models.ConnectView:
        """Connect integration.

        Connects an application of the catalogue (201), or an integration that is not connected again (200).

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `webhooks`.

        Args:
            integration_id: An application of the catalogue such as `custom_webhook`, or an integration:
                `int_…`, `wh_…`.
            name: What people call it.
            url: Where requests are sent: HTTPS, and no private address.
            description: What it is for.
            configuration: Facts about the connection that are no secrets.
            approval: Which actions a person has to approve before each call; none of its own.
            headers: Sent with every request.
            secret: Signs every request.
            actions: What the endpoint can do.
            auth_type: A person authorizes the connection in a browser.
            redirect_url: Where to return to.
            server_url: The MCP server; Zapier's own where it is left out.
            confirm: Whether the application confirms the browser that returns.
            token: The token, which is never shown.
            base_url: The address of n8n, with its path prefix if it has one.
            api_key: Needs the scope workflow:list; execution:list and execution:read too.
            mcp_token: Runs the workflows exposed to MCP through n8n's own MCP server.
            tags: Only the workflows with all of these tags.
            webhook_auth: The webhooks' own credentials by workflow id, and `default`.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `application_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `already_connected`, `too_many_integrations`, `reauth_required`, `credential_rejected`,
                `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`, `forbidden_url`, `credential_rejected`, `not_n8n`, `redirect`,
                `api_key_scope`, `mcp_token_scope`, `mcp_token_rejected`, `mcp_disabled`.
            UpstreamFailed: `upstream_connect`, `upstream_failed`, `upstream_unauthorized`,
                `upstream_refused`, `upstream_not_found`, `credential_rejected`, `upstream_dns`,
                `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`, `upstream_plain_http`,
                `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`, `upstream_headers_too_large`,
                `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
                `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`,
                `circuit_open`, `insufficient_scope`, `token_refresh_failed`, `forbidden_url`,
                `authorization_not_offered`, `registration_not_offered`, `registration_refused`,
                `pkce_not_supported`, `issuer_mismatch`, `resource_mismatch`, `mcp_disabled`,
                `mcp_token_rejected`, `upstream_http_4xx`, `upstream_http_5xx`,
                `upstream_workflows_too_large`, `upstream_unavailable`, `catalogue_unavailable`.
            UpstreamTimeout: `upstream_timeout`, `outcome_unknown`, `timeout`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/{segment(integration_id)}/connect",
                models.ConnectView,
                body={
                    "name": name,
                    "url": url,
                    "description": description,
                    "configuration": configuration,
                    "approval": approval,
                    "headers": headers,
                    "secret": secret,
                    "actions": actions,
                    "authType": auth_type,
                    "redirectUrl": redirect_url,
                    "serverUrl": server_url,
                    "confirm": confirm,
                    "token": token,
                    "baseUrl": base_url,
                    "apiKey": api_key,
                    "mcpToken": mcp_token,
                    "tags": tags,
                    "webhookAuth": webhook_auth,
                },
                key=new_key(idempotency_key),
            )
        )

    def disconnect(self, integration_id: str, *, idempotency_key: str | None = None) -> models.DisconnectView:
        """Disconnect integration.

        Wipes the credentials; a second call gives the same answer. A webhook is paused.

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `webhooks`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`, `idempotency_key_reused`, `idempotency_in_progress`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/{segment(integration_id)}/disconnect",
                models.DisconnectView,
                key=new_key(idempotency_key),
            )
        )

    def list_logs(
        self,
        integration_id: str,
        *,
        action: str | None = None,
        status: Literal["success", "error", "unknown"] | None = None,
        from_date: datetime | str | None = None,
        to_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> Pages[models.LogView]:
        """Integration logs.

        Newest first. For a webhook the entries are delivery attempts, and the action is the event's name.

        Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            action: Filter by action name.
            status: Filter by outcome.
            from_date: Filter after date (ISO 8601).
            to_date: Filter before date (ISO 8601).
            limit: Items per page.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                f"/integrations/{segment(integration_id)}/logs",
                models.LogView,
                query={"action": action, "status": status, "fromDate": from_date, "toDate": to_date, "limit": limit},
            )
        )

    def test(self, integration_id: str, *, idempotency_key: str | None = None) -> models.TestView:
        """Test integration.

        A real call without side effects. A failed test is a 200 with `passed: false`, reason and next step.

        Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
        `send`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            Conflict: `not_connected`, `webhook_paused`, `webhook_disabled`, `wrong_webhook_type`,
                `reauth_required`, `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`,
                `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("POST", f"/integrations/{segment(integration_id)}/test", models.TestView, key=new_key(idempotency_key))
        )


class Actions:
    """Run what a connected integration can do, at once or in the background."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def execute(
        self,
        integration_id: str,
        action_name: str,
        *,
        parameters: Mapping[str, Any] | Omit = OMIT,
        approval_id: str | Omit | None = OMIT,
        traceparent: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.ActionView:
        """Execute integration action.

        Checks the parameters, calls the upstream, and logs what came of it; with `Prefer: respond-async`
        later (202).

        With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is
        sent twice. An action that needs approval is answered with `pending_approval` (202); once it is
        approved, the same request with its `approvalId` makes the call.

        Scope: `actions:execute`; for a webhook (`wh_…`) `webhooks:read`. Portal: `act`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            action_name: Action name.
            parameters: What the action takes.
            approval_id: The approval of this call: `apr_…`, where it needs one.
            traceparent: Passed on to the upstream (W3C Trace Context).
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            ApprovalRequired: A person has to approve the call before it is made; nothing was sent.
            NotFound: `action_not_found`, `approval_not_found`, `integration_not_found`, `webhook_not_found`,
                `not_found`.
            Conflict: `not_connected`, `credential_rejected`, `reauth_required`, `approval_mismatch`,
                `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
            UpstreamFailed: `upstream_failed`, `upstream_unauthorized`, `upstream_refused`,
                `upstream_not_found`, `credential_rejected`, `insufficient_scope`, `upstream_dns`,
                `upstream_connect`, `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`,
                `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
                `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`,
                `upstream_unreadable`, `upstream_invalid_parameters`, `account_required`, `input_required`,
                `outcome_unknown`, `circuit_open`, `token_refresh_failed`, `forbidden_url`, `mcp_disabled`,
                `mcp_token_rejected`, `upstream_unavailable`, `upstream_bad_json`,
                `upstream_request_too_large`, `webhook_method_rejected`, `webhook_credential_rejected`,
                `webhook_address_rejected`, `workflow_inactive`, `workflow_not_started`,
                `workflow_misconfigured`, `workflow_failed`, `workflow_answered_error`.
            UpstreamTimeout: `upstream_timeout`, `outcome_unknown`, `timeout`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/{segment(integration_id)}/actions/{segment(action_name)}",
                models.ActionView,
                body={"parameters": parameters, "approvalId": approval_id},
                headers={"traceparent": traceparent},
                key=new_key(idempotency_key),
            )
        )

    def execute_in_background(
        self,
        integration_id: str,
        action_name: str,
        *,
        parameters: Mapping[str, Any] | Omit = OMIT,
        approval_id: str | Omit | None = OMIT,
        traceparent: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.ExecutionRef:
        """Execute integration action, and answer at once with a reference to it.

        Checks the parameters, calls the upstream, and logs what came of it; with `Prefer: respond-async`
        later (202).

        With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is
        sent twice. An action that needs approval is answered with `pending_approval` (202); once it is
        approved, the same request with its `approvalId` makes the call.

        Scope: `actions:execute`; for a webhook (`wh_…`) `webhooks:read`. Portal: `act`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            action_name: Action name.
            parameters: What the action takes.
            approval_id: The approval of this call: `apr_…`, where it needs one.
            traceparent: Passed on to the upstream (W3C Trace Context).
            idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.

        Raises:
            ApprovalRequired: A person has to approve the call before it is made; nothing was sent.
            NotFound: `action_not_found`, `approval_not_found`, `integration_not_found`, `webhook_not_found`,
                `not_found`.
            Conflict: `not_connected`, `credential_rejected`, `reauth_required`, `approval_mismatch`,
                `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
            UpstreamFailed: `upstream_failed`, `upstream_unauthorized`, `upstream_refused`,
                `upstream_not_found`, `credential_rejected`, `insufficient_scope`, `upstream_dns`,
                `upstream_connect`, `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`,
                `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
                `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`,
                `upstream_unreadable`, `upstream_invalid_parameters`, `account_required`, `input_required`,
                `outcome_unknown`, `circuit_open`, `token_refresh_failed`, `forbidden_url`, `mcp_disabled`,
                `mcp_token_rejected`, `upstream_unavailable`, `upstream_bad_json`,
                `upstream_request_too_large`, `webhook_method_rejected`, `webhook_credential_rejected`,
                `webhook_address_rejected`, `workflow_inactive`, `workflow_not_started`,
                `workflow_misconfigured`, `workflow_failed`, `workflow_answered_error`.
            UpstreamTimeout: `upstream_timeout`, `outcome_unknown`, `timeout`.
        """
        return self._sender.send(
            Call(
                "POST",
                f"/integrations/{segment(integration_id)}/actions/{segment(action_name)}",
                models.ExecutionRef,
                body={"parameters": parameters, "approvalId": approval_id},
                headers={"Prefer": "respond-async", "traceparent": traceparent},
                key=new_key(idempotency_key),
            )
        )

    def list_executions(
        self,
        integration_id: str,
        *,
        action: str | None = None,
        status: Literal["queued", "running", "succeeded", "failed", "unknown", "cancelled"] | None = None,
        from_date: datetime | str | None = None,
        to_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> Pages[models.ExecutionSummary]:
        """List executions.

        Newest first, without results. Kept for seven days.

        Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            action: Filter by action name.
            status: Filter by status.
            from_date: Accepted at or after this date (ISO 8601).
            to_date: Accepted at or before this date (ISO 8601).
            limit: Items per page.

        Raises:
            NotFound: `integration_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                f"/integrations/{segment(integration_id)}/executions",
                models.ExecutionSummary,
                query={"action": action, "status": status, "fromDate": from_date, "toDate": to_date, "limit": limit},
            )
        )

    def get_execution(self, integration_id: str, execution_id: str) -> models.ExecutionView:
        """Get execution.

        Its state, and once it has ended its result or error. Kept for seven days.

        Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.

        Args:
            integration_id: Integration ID: `int_…` or `wh_…`.
            execution_id: Execution ID: `exe_…`.

        Raises:
            NotFound: `execution_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "GET",
                f"/integrations/{segment(integration_id)}/executions/{segment(execution_id)}",
                models.ExecutionView,
            )
        )


class Approvals:
    """Approve or deny calls of actions that a person has to allow."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        status: Literal["pending", "approved", "denied", "expired", "used"] | None = None,
        limit: int | None = None,
    ) -> Pages[models.ApprovalSummary]:
        """List approvals.

        Newest first, without parameters. Kept for 30 days.

        Scope: `actions:approve`. Portal: `approve`.

        Args:
            status: Filter by status.
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call("GET", "/approvals", models.ApprovalSummary, query={"status": status, "limit": limit})
        )

    def get(self, approval_id: str) -> models.ApprovalView:
        """Get approval.

        What is to be called, with which parameters, and how it was decided.

        Scope: `actions:approve`. Portal: `approve`.

        Args:
            approval_id: Approval ID: `apr_…`.

        Raises:
            NotFound: `approval_not_found`, `not_found`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("GET", f"/approvals/{segment(approval_id)}", models.ApprovalView))

    def approve(self, approval_id: str, *, reason: str | Omit = OMIT) -> models.ApprovalView:
        """Approve action.

        Allows this one call: its caller repeats it with `approvalId`. The token that asked, and those it
        made, cannot approve it.

        Scope: `actions:approve`. Portal: `approve`.

        Args:
            approval_id: Approval ID: `apr_…`.
            reason: Why; a call that was denied is answered with it.

        Raises:
            NotFound: `approval_not_found`, `not_found`.
            Conflict: `approval_decided`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("POST", f"/approvals/{segment(approval_id)}/approve", models.ApprovalView, body={"reason": reason})
        )

    def deny(self, approval_id: str, *, reason: str | Omit = OMIT) -> models.ApprovalView:
        """Deny action.

        Refuses this one call; a repeat of it is answered with 403 and the reason.

        Scope: `actions:approve`. Portal: `approve`.

        Args:
            approval_id: Approval ID: `apr_…`.
            reason: Why; a call that was denied is answered with it.

        Raises:
            NotFound: `approval_not_found`, `not_found`.
            Conflict: `approval_decided`, `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("POST", f"/approvals/{segment(approval_id)}/deny", models.ApprovalView, body={"reason": reason})
        )


class Audit:
    """Which token changed what, when, and with what outcome."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        kind: str | None = None,
        actor: str | None = None,
        subject: str | None = None,
        outcome: Literal["succeeded", "failed", "unknown", "none"] | None = None,
        from_date: datetime | str | None = None,
        to_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> Pages[models.AuditEntryView]:
        """Audit trail.

        Newest first: which token changed what, with what outcome. An entry is written before its operation
        begins.

        Scope: `audit:read`. Portal: `view`.

        Args:
            kind: Filter by kind, such as `webhook.create`.
            actor: Filter by token id.
            subject: Filter by the id of what it was done to.
            outcome: Filter by outcome; `none`: it is not known.
            from_date: Filter after date (ISO 8601).
            to_date: Filter before date (ISO 8601).
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(
            Call(
                "GET",
                "/audit",
                models.AuditEntryView,
                query={
                    "kind": kind,
                    "actor": actor,
                    "subject": subject,
                    "outcome": outcome,
                    "fromDate": from_date,
                    "toDate": to_date,
                    "limit": limit,
                },
            )
        )


class Portal:
    """Let a person see and manage webhooks and integrations in a browser: make a session, and open its URL."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def get_session(self) -> models.PortalSessionView:
        """Get portal session.

        For the page of the portal, when it was loaded again. Any other token is refused.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("GET", "/portal/session", models.PortalSessionView))

    def create_session(
        self,
        *,
        capabilities: Sequence[
            Literal["view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents"]
        ],
        expires_in: int | Omit | None = OMIT,
        session_id: str | Omit | None = OMIT,
        webhooks: Sequence[str] | Omit | None = OMIT,
        integrations: Sequence[str] | Omit | None = OMIT,
        return_url: str | Omit | None = OMIT,
        refresh_url: str | Omit | None = OMIT,
        locale: Literal["en", "de", "es", "fr", "ja", "pt-BR"] | Omit = OMIT,
        theme: Literal["light", "dark", "auto"] | Omit = OMIT,
    ) -> models.PortalSessionLink:
        """Create portal session.

        For your server, never for a browser. `url` works once, and for two minutes: send the person there, or
        load it in a frame. The session is no wider than the token that makes it, and ends with it.

        Scope: `portal:sessions`.

        Args:
            capabilities: What the person may see and do.
            expires_in: Its life in seconds, 3600 (an hour) where it is left out.
            session_id: What you call the person, or their session with you, to end all sessions of it at
                once.
            webhooks: The ids of all the webhooks that it knows of; all where it is left out.
            integrations: The ids or slugs of all the integrations that it knows of; all where it is left out.
            return_url: Where the page leads back to.
            refresh_url: Where the page sends a person whose session has ended.
            locale: The language; the browser's where it is left out.
            theme: Light or dark; `auto` is what the browser prefers.

        Raises:
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                "/portal/sessions",
                models.PortalSessionLink,
                body={
                    "capabilities": capabilities,
                    "expiresIn": expires_in,
                    "sessionId": session_id,
                    "webhooks": webhooks,
                    "integrations": integrations,
                    "returnUrl": return_url,
                    "refreshUrl": refresh_url,
                    "locale": locale,
                    "theme": theme,
                },
            )
        )

    def end_sessions(self, *, session_id: str) -> models.PortalSessionsEnded:
        """End portal sessions.

        All that the tenant made with this `sessionId` until now, also where there are none; they are refused
        within 60 seconds.

        Scope: `portal:sessions`.

        Args:
            session_id: The `sessionId` that they were made with.

        Raises:
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("DELETE", "/portal/sessions", models.PortalSessionsEnded, query={"sessionId": session_id})
        )

    def exchange_code(self, *, code: str) -> models.ExchangedPortalSession:
        """Exchange portal code.

        The page of the portal calls it. The code is the credential, so it needs no token. It works once, and
        for two minutes.

        Args:
            code: What follows `#code=` in the URL.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call("POST", "/portal/sessions/exchange", models.ExchangedPortalSession, body={"code": code})
        )

    def end_session(self, session_id: str) -> models.Deleted:
        """End portal session.

        With a token that makes sessions, any of the tenant; a session ends itself. It and the tokens that it
        made are refused within 60 seconds; a second time is the same.

        Scope: `portal:sessions`.

        Args:
            session_id: Session ID: `ses_…`.

        Raises:
            NotFound: `portal_session_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("DELETE", f"/portal/sessions/{segment(session_id)}", models.Deleted))


class Tokens:
    """Make tokens for agents and programs, no wider than your own, and revoke them."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, limit: int | None = None) -> Pages[models.TokenView]:
        """List tokens.

        Those that operators made, and those that tokens made; without the tokens themselves. What has ended
        is listed for 30 days more. A session of the portal gets those that it made itself.

        Scope: `tokens:manage`. Portal: `agents`.

        Args:
            limit: Items per page.

        Raises:
            InvalidFields: `invalid_fields`.
        """
        return self._sender.pages(Call("GET", "/tokens", models.TokenView, query={"limit": limit}))

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        actions: Sequence[str] | Omit = OMIT,
        read_only: bool | Omit = OMIT,
        expires_in: int | Omit | None = OMIT,
    ) -> models.CreatedToken:
        """Create token.

        For an agent or a program: with some of the caller's scopes, and limited to some actions or to
        reading. It ends with the token that makes it, and can make none itself. The answer shows it, this
        once.

        Scope: `tokens:manage`. Portal: `agents`.

        Args:
            name: What people call it.
            scopes: What it allows: scopes that the caller's own token has; `*` is all but `tokens:manage` and
                `portal:sessions`.
            actions: The actions that it may run, as patterns of `<slug>.<action>` with `*`; empty for all.
            read_only: Whether it can change nothing, and run only actions that read.
            expires_in: Its life in seconds, 604800 (seven days) where it is left out.

        Raises:
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(
            Call(
                "POST",
                "/tokens",
                models.CreatedToken,
                body={
                    "name": name,
                    "scopes": scopes,
                    "actions": actions,
                    "readOnly": read_only,
                    "expiresIn": expires_in,
                },
            )
        )

    def revoke(self, token_id: str) -> models.Deleted:
        """Revoke token.

        Any token of the tenant, also the one of this request; a session of the portal those that it made
        itself. They are refused within 60 seconds; a second time is the same.

        Scope: `tokens:manage`. Portal: `agents`.

        Args:
            token_id: Token ID: `tok_…`.

        Raises:
            NotFound: `token_not_found`, `not_found`.
            Conflict: `changed_meanwhile`, `conflict`.
            InvalidFields: `invalid_fields`.
        """
        return self._sender.send(Call("DELETE", f"/tokens/{segment(token_id)}", models.Deleted))


class Service:
    """Whether the service runs."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def get_health(self) -> models.ServiceHealth:
        """Health of the service.

        Answers without a token.
        """
        return self._sender.send(Call("GET", "/health", models.ServiceHealth))


class Resources:
    """All resources of the API."""

    def __init__(self, sender: Sender) -> None:
        self.webhooks = Webhooks(sender)
        """Subscribe an endpoint of yours to events, and see, repeat and recover its deliveries. Begin here:
        create a webhook, then publish an event.
        """
        self.events = Events(sender)
        """Publish events, see how they were delivered, and describe their data. An event goes to every webhook
        that takes its name.
        """
        self.integrations = Integrations(sender)
        """Find an application, connect it, test and change the connection: Zapier, n8n, MCP servers and HTTP
        endpoints of your own.
        """
        self.actions = Actions(sender)
        """Run what a connected integration can do, at once or in the background."""
        self.approvals = Approvals(sender)
        """Approve or deny calls of actions that a person has to allow."""
        self.audit = Audit(sender)
        """Which token changed what, when, and with what outcome."""
        self.portal = Portal(sender)
        """Let a person see and manage webhooks and integrations in a browser: make a session, and open its URL."""
        self.tokens = Tokens(sender)
        """Make tokens for agents and programs, no wider than your own, and revoke them."""
        self.service = Service(sender)
        """Whether the service runs."""
