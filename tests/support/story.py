"""Every operation of the API called once with the examples of docs/openapi.json, on moto and a receiver."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.authority import Authority
from tests.support.call import Answer, Context, call, handler
from tests.support.deliveries import Outbox, dispatch, record, work
from tests.support.mcp import FakeServer, tool
from tests.support.n8n import FakeN8n, workflow
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected

Json = dict[str, Any]
Key = tuple[str, str, str]
"""An example: its operationId, `request` or the status of an answer, and its name."""

MESSAGE = {"success": True, "messageId": "msg_xyz789", "channel": "#general", "timestamp": "2026-01-06T12:00:00Z"}


class Story:
    """What was answered to each example of a request, and which example of an answer it belongs to."""

    def __init__(self, requests: Mapping[str, Mapping[str, Any]], receiver: Receiver, outbox: Outbox) -> None:
        """`requests`: bodies by operationId and name."""
        self.answers: dict[Key, Answer] = {}
        self.sent: set[Key] = set()
        self._requests, self._receiver, self._outbox = requests, receiver, outbox

    def tell(self, authority: Authority) -> None:
        """Everything, in the order in which a user would do it; `authority` is this deployment's Zapier."""
        self._note("getHealth", call("GET", "/health", tenant=None))
        self._describe_events()
        webhook = self._create_webhooks()
        self._publish()
        self._look_at_deliveries(webhook)
        self._recover(webhook)
        self._end_webhook(webhook)
        self._poll()
        self._connect(authority)
        integration = self._connect_custom()
        self._act(integration)
        self._ask(integration)
        self._end_integration(integration)
        self._make_tokens()
        self._open_portal()
        self._fail()

    def _note(self, operation: str, answer: Answer, name: str = "default") -> Answer:
        self.answers[operation, str(answer.status), name] = answer
        return answer

    def _send(
        self, operation: str, request: str, method: str, path: str, *, answered: str = "default", **changes: Any
    ) -> Answer:
        """Send an example with some values of this test's own, and note the answer."""
        body = {**self._requests[operation][request], **changes}
        self.sent.add((operation, "request", request))
        return self._note(operation, call(method, path, body=body), answered)

    def _describe_events(self) -> None:
        self._send("putEventType", "warn", "PUT", "/event-types")
        self._send("putEventType", "warn", "PUT", "/event-types")
        self._send("putEventType", "name", "PUT", "/event-types", answered="name")
        self._note("listEventTypes", call("GET", "/event-types"))
        self._note("deleteEventType", call("DELETE", "/event-types/workflow.started"))

    def _create_webhooks(self) -> str:
        path = "/integrations/webhooks"
        self._send("createWebhook", "named", "POST", path, answered="named")
        self._send("createWebhook", "filtered", "POST", path, answered="filtered")
        created = self._send("createWebhook", "simple", "POST", path, url=self._receiver.url)
        webhook = str(created.data["id"])
        self._note("listWebhooks", call("GET", path))
        self._send("updateWebhook", "pause", "PATCH", f"{path}/{webhook}", answered="pause")
        self._send("updateWebhook", "resume", "PATCH", f"{path}/{webhook}", answered="resume")
        self._send("updateWebhook", "change", "PATCH", f"{path}/{webhook}", answered="change", url=self._receiver.url)
        self._note("listAudit", call("GET", "/audit?limit=1"))
        self._note("getWebhook", call("GET", f"{path}/{webhook}"))
        self._send("testWebhook", "event", "POST", f"{path}/{webhook}/test")
        self._receiver.answer = lambda _: Reply(500, {"error": "out of order"})
        self._note("testWebhook", call("POST", f"{path}/{webhook}/test"), "failed")
        self._receiver.answer = lambda _: Reply()
        for name in ("overlap", "revoke"):
            self._send("rotateSecret", name, "POST", f"{path}/{webhook}/rotate-secret", answered=name)
        return webhook

    def _publish(self) -> None:
        self._send("previewEvents", "event", "POST", "/events/preview")
        one = self._send("publishEvents", "one", "POST", "/events", answered="one")
        self._send("publishEvents", "batch", "POST", "/events", answered="batch")
        taken = self._outbox.take()
        assert dispatch(*(record(message.body) for message in taken)) == []
        self._note("listEvents", call("GET", "/events?limit=1"))
        self._note("getEvent", call("GET", f"/events/{one.data['id']}"))
        body = {"events": [{"event": "webhook.failing", "data": {}}]}
        self._note("publishEvents", call("POST", "/events", body=body), "no_event_taken")

    def _look_at_deliveries(self, webhook: str) -> None:
        path = f"/integrations/webhooks/{webhook}"
        [newest] = self._note("listDeliveries", call("GET", f"{path}/deliveries?event=workflow.failed&limit=1")).data
        self._note("getDelivery", call("GET", f"{path}/deliveries/{newest['id']}"))
        self._note("resendDelivery", call("POST", f"{path}/deliveries/{newest['id']}/resend"))
        self._note("getWebhookStats", call("GET", f"{path}/stats"))

    def _recover(self, webhook: str) -> None:
        path = f"/integrations/webhooks/{webhook}/recover"
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
        until = datetime.now(UTC).isoformat(timespec="seconds")
        self._send("recoverWebhook", "dryRun", "POST", path, answered="dryRun", since=since)
        job = self._send("recoverWebhook", "range", "POST", path, answered="range", since=since, until=until).data
        self._note("cancelRecovery", call("POST", f"{path}/{job['id']}/cancel"))
        self._note("getRecovery", call("GET", f"{path}/{job['id']}"))
        self._note("listRecoveries", call("GET", path))

    def _end_webhook(self, webhook: str) -> None:
        self._note("deleteWebhook", call("DELETE", f"/integrations/webhooks/{webhook}"))

    def _poll(self) -> None:
        path = "/integrations/webhooks"
        webhook = self._send("createWebhook", "polling", "POST", path, answered="polling").data["id"]
        call("POST", "/events", body=self._requests["publishEvents"]["one"])
        call("POST", "/events", body={"event": "workflow.executed", "data": {}})
        [first] = self._note("pollMessages", call("GET", f"{path}/{webhook}/poll?limit=1")).data["messages"]
        [second] = call("GET", f"{path}/{webhook}/poll").data["messages"]
        reports = [
            {**report, "deliveryId": message["deliveryId"], "leaseToken": token}
            for report, message, token in zip(
                self._requests["acknowledgeMessages"]["default"]["messages"],
                (first, second),
                (first["leaseToken"], "of another lease"),
                strict=True,
            )
        ]
        self._send("acknowledgeMessages", "default", "POST", f"{path}/{webhook}/ack", messages=reports)

    def _connect(self, authority: Authority) -> None:
        self._note("searchAvailable", call("GET", "/integrations/available?query=email&limit=2"))
        self._send("connectIntegration", "oauth", "POST", "/integrations/zapier_slack/connect", answered="oauth")
        bound = self._send(
            "connectIntegration", "oauthConfirm", "POST", "/integrations/zapier_gmail/connect", answered="oauth"
        )
        self._confirm(authority, bound)
        server = FakeServer(self._receiver, tools=[tool("send_message")])
        for name in ("token", "noAuth"):
            self._send(
                "connectIntegration", name, "POST", "/integrations/mcp_server/connect", answered=name,
                serverUrl=server.url,
            )  # fmt: skip
        n8n = FakeN8n(self._receiver, [workflow("Send Report", "report")])
        self._send(
            "connectIntegration", "n8n", "POST", "/integrations/n8n_workflows/connect", answered="n8n", baseUrl=n8n.url
        )
        self._receiver.answer = lambda _: Reply(200, MESSAGE)

    def _confirm(self, authority: Authority, begun: Answer) -> None:
        brought = authority.consent(begun.data["authUrl"])
        back = call("GET", f"{brought.pop('at')}?{urlencode(brought)}", tenant=None)
        told = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
        path = f"/integrations/{told['integrationId']}/confirm"
        self._send("confirmIntegration", "default", "POST", path, confirmation=told["confirmation"])

    def _connect_custom(self) -> str:
        path = "/integrations/custom_webhook/connect"
        self._send("connectIntegration", "custom", "POST", path, answered="custom")
        made = self._send(
            "connectIntegration", "customActions", "POST", path, answered="custom", url=self._receiver.url
        )
        integration = str(made.data["id"])
        call("POST", f"/integrations/{integration}/disconnect")
        self._send("connectIntegration", "reconnect", "POST", f"/integrations/{integration}/connect")
        self._send("updateIntegration", "facts", "PATCH", f"/integrations/{integration}", answered="facts")
        self._send(
            "updateIntegration", "url", "PATCH", f"/integrations/{integration}", answered="url", url=self._receiver.url
        )
        return integration

    def _act(self, integration: str) -> None:
        path = f"/integrations/{integration}"
        self._note("testIntegration", call("POST", f"{path}/test"))
        self._send("executeAction", "sendMessage", "POST", f"{path}/actions/send_message")
        body = self._requests["executeAction"]["sendMessage"]
        queued = call("POST", f"{path}/actions/send_message", body=body, headers={"Prefer": "respond-async"})
        self._note("executeAction", queued)
        [message] = self._outbox.take("ExecutionQueue")
        assert work("run_executions", record(message.body)) == []
        self._note("listExecutions", call("GET", f"{path}/executions"))
        self._note("getExecution", call("GET", f"{path}/executions/{queued.data['executionId']}"))
        self._note("listLogs", call("GET", f"{path}/logs?limit=1"))
        self._note("getIntegration", call("GET", path))
        self._note("listIntegrations", call("GET", "/integrations?limit=1"))

    def _ask(self, integration: str) -> None:
        """Two calls that a person has to approve: one is, the other is refused."""
        path = f"/integrations/{integration}"
        self.sent.add(("updateIntegration", "request", "approval"))
        call("PATCH", path, body=self._requests["updateIntegration"]["approval"])
        body = self._requests["executeAction"]["sendMessage"]
        for operation, verb in (("approveAction", "approve"), ("denyAction", "deny")):
            asked = call("POST", f"{path}/actions/send_message", body=body)
            self._note("executeAction", asked, "pendingApproval")
            if verb == "approve":
                self._note("listApprovals", call("GET", "/approvals"))
            approval = f"/approvals/{asked.data['approvalId']}"
            self._note("getApproval", call("GET", approval))
            self.sent.add((operation, "request", "default"))
            said = self._requests[operation]["default"]
            self._note(operation, call("POST", f"{approval}/{verb}", body=said, token_id="tok_other"))

    def _end_integration(self, integration: str) -> None:
        self._note("disconnectIntegration", call("POST", f"/integrations/{integration}/disconnect"))
        self._note("deleteIntegration", call("DELETE", f"/integrations/{integration}"))

    def _make_tokens(self) -> None:
        issued = handler("manage_tokens")({"action": "issue", "tenant": "acme"}, Context())["token"]
        made = {}
        for name in ("agent", "program"):
            body = self._requests["createToken"][name]
            self.sent.add(("createToken", "request", name))
            made[name] = self._note("createToken", call("POST", "/tokens", token=issued, body=body), name).data["id"]
        self._note("listTokens", call("GET", "/tokens", token=issued))
        self._note("revokeToken", call("DELETE", f"/tokens/{made['agent']}", token=issued))

    def _open_portal(self) -> None:
        path = "/portal/sessions"
        self._send("createPortalSession", "everything", "POST", path)
        manager = handler("manage_tokens")({"action": "issue", "tenant": "acme"}, Context())["token"]
        body = self._requests["createPortalSession"]["support"]
        self.sent |= {("createPortalSession", "request", "support"), ("exchangePortalCode", "request", "default")}
        made = self._note("createPortalSession", call("POST", path, token=manager, body=body)).data
        code = {"code": made["url"].partition("#code=")[2]}
        session = self._note("exchangePortalCode", call("POST", f"{path}/exchange", tenant=None, body=code)).data
        self._note("getPortalSession", call("GET", "/portal/session", token=session["token"]))
        self._note("endPortalSession", call("DELETE", f"{path}/{made['id']}", token=session["token"]))
        self._note("endPortalSessions", call("DELETE", f"{path}?sessionId=user-17", token=manager))
        used = call("POST", f"{path}/exchange", tenant=None, body=code)
        self._note("exchangePortalCode", used, "portal_code_invalid")
        self._note("getPortalSession", call("GET", "/portal/session"), "not_a_session")

    def _fail(self) -> None:
        """What is refused: one answer of each status that a caller can bring about."""
        path = "/integrations/webhooks"
        missing = "01jgzq4x8m7v2c5k9t3w6y0n1p"
        made = connected(self._receiver.url, actions=[{"name": "send_message"}])
        act = f"/integrations/{made}/actions"
        self._note("createWebhook", call("POST", path, body="{"), "invalid_json")
        self._note("listWebhooks", call("GET", f"{path}?cursor=cursor_x"), "invalid_cursor")
        self._note("listWebhooks", call("GET", path, tenant=None), "unauthenticated")
        self._note("listWebhooks", call("GET", path, scopes="events:publish"), "missing_scope")
        self._note("listWebhooks", call("GET", f"{path}?limt=1"), "invalid_fields")
        self._note(
            "createWebhook", call("POST", path, body={"name": "a", "url": "https://a.example"}), "invalid_fields"
        )
        self._note("publishEvents", call("POST", "/events", body={"data": {}}), "invalid_fields")
        self._note("publishEvents", call("POST", "/events", body={"data": "x" * 300_000}), "payload_too_large")
        plain = {"Content-Type": "text/plain"}
        self._note("publishEvents", call("POST", "/events", body="x", headers=plain), "unsupported_media_type")
        self._note("getIntegration", call("GET", f"/integrations/int_{missing}"), "integration_not_found")
        self._note("getWebhook", call("GET", f"{path}/wh_{missing}"), "webhook_not_found")
        self._note("getEvent", call("GET", f"/events/evt_{missing}"), "event_not_found")
        self._note("deleteEventType", call("DELETE", "/event-types/workflow.stopped"), "event_type_not_found")
        self._note("revokeToken", call("DELETE", f"/tokens/tok_{missing}"), "token_not_found")
        self._note("endPortalSession", call("DELETE", f"/portal/sessions/ses_{missing}"), "portal_session_not_found")
        self._note("connectIntegration", call("POST", f"/integrations/{made}/connect", body={}), "already_connected")
        self._note("deleteIntegration", call("DELETE", f"/integrations/{made}"), "still_connected")
        self._note("executeAction", call("POST", f"{act}/send", body={}), "action_not_found")
        self._receiver.answer = lambda _: Reply(500, {"error": "out of order"})
        self._note("executeAction", call("POST", f"{act}/send_message", body={}), "upstream_failed")
        self._receiver.answer = lambda _: Reply(429, headers={"Retry-After": "30"})
        self._note("executeAction", call("POST", f"{act}/send_message", body={}), "upstream_rate_limited")
