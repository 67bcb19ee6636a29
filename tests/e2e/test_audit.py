"""The audit trail on the local stack, with IAM enforced: recorded, sealed, signed and verified."""

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack, command
from tools.local.options import PROJECT


def test_changes_are_recorded_sealed_signed_and_verified(stack: Stack) -> None:
    tenant = "audited"
    api = Api.of(stack, tenant=tenant)
    webhook = api.create_webhook("http://127.0.0.1:9999/")["id"]
    api.data("PATCH", f"/integrations/webhooks/{webhook}", {"name": "Renamed"})
    assert api.call("DELETE", "/integrations/int_01m8288m5jfcptj5b3fxvspecm").status_code == 404

    event = (PROJECT / "events" / "seal_audit.json").read_bytes()
    function = stack.env["JOBSPRINT_SEAL_AUDIT_FUNCTION"]
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()

    entries = api.data("GET", "/audit")  # sealed by this run, or by the scheduled one
    assert [(entry["kind"], entry["outcome"]) for entry in entries] == [
        ("integration.delete", "failed"),
        ("webhook.update", "succeeded"),
        ("webhook.create", "succeeded"),
        ("token.create", "succeeded"),
    ]
    assert all(entry["sequence"] and entry["actor"].startswith("tok_") for entry in entries[:-1])

    def verified() -> bool:
        said = command(stack.home, "verify-audit", "--tenant", tenant)
        assert said.returncode == 0, said.stdout
        return "8 records are covered" in said.stdout

    eventually(verified)
