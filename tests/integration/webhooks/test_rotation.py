"""Rotating a webhook's secret, through the front door, verified by the stock Standard Webhooks library."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobsprint.core.clock import now_ms, parse_iso
from jobsprint.delivery import dispatcher as dispatching
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, decrypt_credentials, encrypt_credentials
from tests.support.call import call
from tests.support.deliveries import Outbox, dispatch, publish, record, subscribe
from tests.support.receiver import Received, Receiver, Reply
from tests.support.rows import rows

DAY_MS = 86_400_000


@pytest.fixture
def webhook(outbox: Outbox, endpoint: Receiver) -> dict[str, Any]:
    return subscribe(endpoint.url + "/hook")


def rotate(webhook_id: str, **body: Any) -> Any:
    return call("POST", f"/integrations/webhooks/{webhook_id}/rotate-secret", body=body)


def deliver(outbox: Outbox, endpoint: Receiver, at: int | None = None) -> Received:
    """What the receiver gets of an event, sent at `at` (ms) by the dispatcher's clock."""
    publish()
    [message] = outbox.take()
    if at is None:
        assert dispatch(record(message.body)) == []
    else:
        assert dispatching.dispatch([record(message.body)], clock=lambda: at) == []
    return endpoint.received[-1]


def verifies(got: Received, secret: str) -> bool:
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


def test_old_and_new_secret_both_verify_while_they_overlap(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    old = webhook["secret"]
    before = now_ms()

    answer = rotate(webhook["id"])

    assert answer.status == 200
    new, until = answer.data["secret"], parse_iso(answer.data["overlapUntil"])
    assert answer.data == {
        "id": webhook["id"],
        "secret": new,
        "overlapUntil": answer.data["overlapUntil"],
        "previousSecrets": [{"expiresAt": answer.data["overlapUntil"]}],
    }
    assert new.startswith("whsec_")
    assert before + DAY_MS - 1000 <= until <= now_ms() + DAY_MS
    got = deliver(outbox, endpoint)
    assert verifies(got, new)
    assert verifies(got, old)
    first, second = got.headers["webhook-signature"].split(" ")
    assert verifies(replace(got, headers={**got.headers, "webhook-signature": first}), new)
    assert verifies(replace(got, headers={**got.headers, "webhook-signature": second}), old)


def test_the_old_secret_dies_by_its_time_though_nobody_writes(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    rotate(webhook["id"], overlapSeconds=60)
    kept = decrypt_credentials(IntegrationStore("acme").get(webhook["id"]))
    [old] = kept.retired

    for at, signatures in ((old.until - 1, 2), (old.until, 1)):
        got = deliver(outbox, endpoint, at)
        assert len(got.headers["webhook-signature"].split(" ")) == signatures


def test_a_change_of_the_webhook_keeps_the_overlap_and_drops_what_has_ended(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/integrations/webhooks/{webhook['id']}"
    new = rotate(webhook["id"], overlapSeconds=60).data["secret"]

    assert call("PATCH", path, body={"headers": {"X-Own": "own value"}}).status == 200
    got = deliver(outbox, endpoint)
    assert verifies(got, new)
    assert verifies(got, webhook["secret"])

    monkeypatch.setattr("jobsprint.connectors.webhook.now_ms", lambda: now_ms() + 61_000)
    assert call("PATCH", path, body={"headers": {}}).status == 200
    kept = IntegrationStore("acme").get(webhook["id"])
    assert "retired" not in kept.encrypted
    assert decrypt_credentials(kept).secrets == (new,)


@pytest.mark.parametrize("body", [{"revokeNow": True}, {"overlapSeconds": 0}, {"revokeNow": True, "overlapSeconds": 0}])
def test_revoking_ends_every_old_secret_at_once(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], body: dict[str, Any]
) -> None:
    second = rotate(webhook["id"]).data["secret"]

    answer = rotate(webhook["id"], **body)

    assert (answer.status, answer.data["previousSecrets"], "overlapUntil" in answer.data) == (200, [], False)
    got = deliver(outbox, endpoint)
    assert verifies(got, answer.data["secret"])
    assert not verifies(got, second)
    assert not verifies(got, webhook["secret"])


def test_the_callers_own_secret_and_what_is_refused(webhook: dict[str, Any]) -> None:
    assert rotate(webhook["id"], secret="own_secret_key").data["secret"] == "own_secret_key"
    before = rows()
    for body, field in (
        ({"secret": "short"}, "body.secret"),
        ({"secret": "whsec_***"}, "body.secret"),
        ({"secret": "own_secret_key"}, "body.secret"),
        ({"overlapSeconds": -1}, "body.overlapSeconds"),
        ({"overlapSeconds": 604_801}, "body.overlapSeconds"),
        ({"overlapSeconds": "60"}, "body.overlapSeconds"),
        ({"overlapSeconds": 60, "revokeNow": True}, "body.revokeNow"),
        ({"revokeNow": "yes"}, "body.revokeNow"),
        ({"overlap": 60}, "body.overlap"),
    ):
        answer = rotate(webhook["id"], **body)
        assert (answer.status, [one["field"] for one in answer.error["details"]]) == (422, [field]), body
        assert "own_secret_key" not in json.dumps(answer.body)
    assert rows() == before
    assert rotate(webhook["id"], overlapSeconds=604_800).status == 200


def test_ten_old_secrets_are_the_most(webhook: dict[str, Any]) -> None:
    for _ in range(10):
        assert rotate(webhook["id"]).status == 200
    before = rows()

    refused = rotate(webhook["id"])

    assert (refused.status, refused.error["code"]) == (409, "too_many_secrets")
    assert rows() == before
    assert rotate(webhook["id"], revokeNow=True).status == 200
    assert rotate(webhook["id"]).status == 200


def test_of_two_rotations_at_once_one_wins(webhook: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []
    real = IntegrationStore.update

    def another_first(store: IntegrationStore, webhook_: Any) -> Any:
        monkeypatch.setattr(IntegrationStore, "update", real)
        answers.append(rotate(webhook["id"]))
        return store.update(webhook_)

    monkeypatch.setattr(IntegrationStore, "update", another_first)
    answers.append(rotate(webhook["id"]))

    winner, loser = answers
    assert (winner.status, loser.status, loser.error["code"]) == (200, 409, "changed_meanwhile")
    kept = decrypt_credentials(IntegrationStore("acme").get(webhook["id"]))
    assert kept.secrets == (winner.data["secret"],)
    assert [old.secret for old in kept.retired] == [webhook["secret"]]


def test_no_secret_is_shown_again_or_stands_anywhere(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"/integrations/webhooks/{webhook['id']}"
    secrets = [webhook["secret"], rotate(webhook["id"]).data["secret"]]
    endpoint.answer = lambda _: Reply(500, " ".join(secrets).encode())
    deliver(outbox, endpoint)
    [delivery] = call("GET", f"{path}/deliveries").data

    shown = [
        call("GET", path).body,
        call("GET", "/integrations/webhooks").body,
        call("GET", f"/integrations/{webhook['id']}").body,
        call("GET", f"{path}/deliveries/{delivery['id']}").body,
        call("GET", f"/integrations/{webhook['id']}/logs").body,
    ]

    assert all("secret" not in one for one in (shown[0]["data"], *shown[1]["data"]))
    seen = json.dumps([shown, rows(), [message.body for message in outbox.take()]]) + caplog.text
    assert not [secret for secret in secrets if secret in seen]


def test_a_repeat_with_the_same_key_rotates_once(webhook: dict[str, Any]) -> None:
    path = f"/integrations/webhooks/{webhook['id']}/rotate-secret"
    first, second = (call("POST", path, body={}, headers={"Idempotency-Key": "rotate-1"}) for _ in range(2))

    assert first.data == second.data
    assert first.data["secret"] not in "\n".join(rows())
    assert len(decrypt_credentials(IntegrationStore("acme").get(webhook["id"])).retired) == 1


def test_a_webhook_from_before_there_were_rotations_is_rotated_too(
    outbox: Outbox, endpoint: Receiver, webhook: dict[str, Any]
) -> None:
    store = IntegrationStore("acme")
    kept = store.get(webhook["id"])
    old = decrypt_credentials(kept)
    encrypted_again = encrypt_credentials(kept, Credentials(old.url, old.headers, old.secrets))
    assert set(encrypted_again.encrypted) == {"url", "headers", "secrets", "keys"}  # as it was written then
    store.update(encrypted_again)

    new = rotate(webhook["id"]).data["secret"]

    got = deliver(outbox, endpoint)
    assert verifies(got, new)
    assert verifies(got, webhook["secret"])


def test_a_paused_webhook_is_rotated_and_an_unknown_one_is_not_found(webhook: dict[str, Any]) -> None:
    call("PATCH", f"/integrations/webhooks/{webhook['id']}", body={"active": False})

    assert rotate(webhook["id"]).status == 200
    assert call("GET", f"/integrations/webhooks/{webhook['id']}").data["active"] is False
    assert rotate("wh_01jgxs7m5n8q2w4r6t8v0x2z4b").status == 404
    path = f"/integrations/webhooks/{webhook['id']}/rotate-secret"
    assert call("POST", path, tenant="other", body={}).status == 404
    assert call("POST", path, scopes="webhooks:read", body={}).status == 403
