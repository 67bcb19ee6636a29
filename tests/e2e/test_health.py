"""Scheduled health tests on the deployed stack: schedule, queue, health transition, event."""

import json

from jobsprint.domain import integrations
from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.support.receiver import Reply, receiving
from tools.local.options import PROJECT


def run_schedule(stack: Stack) -> None:
    """What EventBridge Scheduler does every 15 minutes."""
    event = (PROJECT / "events" / "run_health_tests.json").read_bytes()
    function = stack.env["JOBSPRINT_RUN_HEALTH_TESTS_FUNCTION"]
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_rejected_credential_is_found_told_once_and_recovers(stack: Stack) -> None:
    api = Api.of(stack)
    with receiving() as endpoint, receiving() as hook:
        api.create_webhook(hook.url, events=["integration.*"])
        integration = api.connect_custom(endpoint.url, secret="a secret to sign with")
        hook.wait_for(1)

        endpoint.answer = lambda _: Reply(401)
        run_schedule(stack)
        told = hook.wait_for(2, seconds=60)[-1].json
        assert told["event"] == "integration.unhealthy"
        assert told["data"]["reason"] == "credential_rejected"
        shown = api.data("GET", f"/integrations/{integration}")
        assert (shown["status"], shown["health"]["status"]) == ("error", "unhealthy")
        assert shown["health"]["nextStep"]
        refused = api.call("POST", f"/integrations/{integration}/actions/send", {"parameters": {}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "credential_rejected")

        endpoint.answer = lambda _: Reply(200)
        assert api.data("POST", f"/integrations/{integration}/test")["status"] == "healthy"
        assert hook.wait_for(3)[-1].json["event"] == "integration.recovered"
        assert api.data("GET", f"/integrations/{integration}")["status"] == "connected"
        pinged = [json.loads(request.body) for request in endpoint.received]
        assert all(body["action"] == "jobsprint.ping" for body in pinged)


def test_being_unreachable_changes_health_after_three_failures_and_leaves_actions_allowed(stack: Stack) -> None:
    api = Api.of(stack)
    with receiving() as endpoint:
        integration = api.connect_custom(endpoint.url)
        endpoint.answer = lambda _: Reply(500)
        for _ in range(integrations.FAILURES_UNTIL_UNHEALTHY):
            before = len(endpoint.received)
            run_schedule(stack)
            endpoint.wait_for(before + 1, seconds=60)
            health = eventually(
                lambda: (h := api.data("GET", f"/integrations/{integration}")["health"]).get("reason") and h
            )
            assert health["reason"] == "http_5xx"
        eventually(lambda: api.data("GET", f"/integrations/{integration}")["health"]["status"] == "unhealthy")
        endpoint.answer = lambda _: Reply(200, {"done": True})
        assert api.data("GET", f"/integrations/{integration}")["status"] == "connected"
        acted = api.data("POST", f"/integrations/{integration}/actions/send", {"parameters": {}})
        assert acted["result"] == {"success": True, "done": True}
