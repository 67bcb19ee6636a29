"""A signed sample event to a webhook, sent at a caller's request: it shows what would happen to a delivery.

A test is no delivery: it is in no list and no metric, and does not change the endpoint's health.
"""

from jobsprint.connectors import responses, signed_post
from jobsprint.connectors.base import TEST_SECONDS, TestResult
from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.ids import new_id
from jobsprint.delivery import attempt as attempts
from jobsprint.domain import integrations
from jobsprint.domain.deliveries import DeliveryTask
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import decrypt_credentials

PING = "ping"
_MAX_RESPONSE = 1024
# The example of the API contract.
_WORKFLOW: JsonObject = {"workflowId": "wf_abc123", "executionId": "exec_xyz789", "status": "success", "duration": 5234}
_SAMPLES: dict[str, JsonObject] = {
    "workflow.executed": _WORKFLOW,
    "workflow.failed": {**_WORKFLOW, "status": "failed"},
}


def test(tenant: str, webhook_id: str, event: str) -> tuple[TestResult, int]:
    """Send a sample of that event now, signed and with the headers of a first attempt; the result and its time in ms.

    Its data says `"test": true`. Raises NotFound, and Conflict for a webhook that is paused or disabled, and for a
    polling endpoint.
    """
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    integrations.require_sent_to(webhook)
    integrations.require_connected(webhook)
    now = now_ms()
    task = DeliveryTask(
        tenant=tenant,
        webhook_id=webhook_id,
        delivery_id=new_id("dlv", now),
        event_id=new_id("evt", now),
        event=event,
        timestamp=iso_seconds(now),
        event_key="",
    )
    payload = canonical_json.dumps({**_SAMPLES.get(event, {}), "webhookId": webhook_id, "test": True})
    credentials = decrypt_credentials(webhook)
    request = attempts.request(task, payload, webhook, credentials, now)
    outcome = signed_post.client().send(request, timeout=TEST_SECONDS, max_body=_MAX_RESPONSE)
    return responses.test_result(outcome, credentials.masker()), now_ms()
