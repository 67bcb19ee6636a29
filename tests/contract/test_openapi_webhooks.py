"""The `webhooks` of docs/openapi.json: what endpoints get is what it describes."""

import json
from typing import Any

import pytest

from jobsprint.domain import events
from tests.support.call import call
from tests.support.deliveries import dispatch, publish, record, subscribe, watching_sqs
from tests.support.described import check_event, check_received
from tests.support.receiver import Reply, receiving
from tests.support.rows import connected
from tests.support.sender import sending
from tests.support.template import ROOT

WEBHOOKS: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["webhooks"]


def test_it_has_every_event_of_the_service() -> None:
    assert set(WEBHOOKS) == {"event", *events.OWN}


def test_examples_are_of_their_schemas() -> None:
    for name in events.OWN:
        [example] = WEBHOOKS[name]["post"]["requestBody"]["content"]["application/json"]["examples"].values()
        assert example["value"]["event"] == name
        check_event(name, example["value"]["data"])


@pytest.mark.usefixtures("aws")
def test_endpoints_get_what_it_describes(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as endpoint, receiving() as upstream, watching_sqs() as outbox, sending(monkeypatch):
        subscribe(endpoint.url, "*")
        publish()
        path = f"/integrations/{connected(upstream.url)}"
        call("POST", f"{path}/test")
        for answer in (Reply(500), Reply(200)):
            upstream.answer = lambda _, answer=answer: answer
            call("POST", f"{path}/test")
        call("POST", f"{path}/disconnect")
        assert dispatch(*(record(sent.body) for sent in outbox.take())) == []

    own = {"integration.connected", "integration.disconnected", "integration.unhealthy", "integration.recovered"}
    assert {received.json["event"] for received in endpoint.received} == {"workflow.executed", *own}
    for received in endpoint.received:
        check_received(received.json, received.headers)
