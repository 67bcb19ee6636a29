"""`jobsprint listen` of the installed command line: events of the real handlers reach a server on this machine."""

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.call import call
from tests.support.command_line import CommandLine, Running
from tests.support.deliveries import publish
from tests.support.receiver import Receiver, Reply


def endpoint_of(running: Running) -> str:
    """The polling endpoint of a run, once there is one."""
    running.wait_for_note("Ready")
    [webhook] = call("GET", "/integrations/webhooks").data
    assert (webhook["type"], webhook["expiresIn"]) == ("polling", 3600)
    return str(webhook["id"])


def test_events_are_forwarded_as_they_are_and_their_answers_are_kept(cli: CommandLine, endpoint: Receiver) -> None:
    running = cli.start("listen", "--forward-to", f"{endpoint.url.removeprefix('http://')}/hooks", "--event", "order.*")
    webhook = endpoint_of(running)
    endpoint.answer = lambda request: Reply(500 if request.headers["x-jobsprint-event"] == "order.bad" else 204)
    good = publish("order.paid", {"text": "Grüße ☃"})
    publish("other")
    publish("order.bad")

    running.wait_for("order.bad")
    first, second = endpoint.wait_for(2)
    secret = running.err.partition("Signing secret: ")[2].split()[0]
    assert Webhook(secret).verify(first.body, first.headers)["data"] == {"text": "Grüße ☃"}
    assert (first.path, first.headers["webhook-id"]) == ("/hooks", good["id"])
    assert Webhook(secret).verify(second.body, second.headers)["event"] == "order.bad"
    [line, bad] = running.out.splitlines()
    assert ("204" in line, "order.paid" in line, good["id"] in line, "ms" in line) == (True,) * 4
    assert "500" in bad
    done = running.interrupt()
    assert done.code == 130
    states = {one["event"]: one for one in call("GET", f"/integrations/webhooks/{webhook}/deliveries").data}
    assert states["order.paid"]["state"] == "delivered"
    assert [one["httpStatus"] for one in states["order.bad"]["attempts"]] == [500]
    assert call("GET", "/integrations/webhooks").data == [], "Ctrl-C removes the endpoint"


def test_a_server_that_is_down_is_a_failed_attempt(cli: CommandLine) -> None:
    running = cli.start("listen", "--forward-to", "localhost:9", "--json")
    webhook = endpoint_of(running)
    publish()

    running.wait_for("connection refused")
    done = running.interrupt()
    [line] = done.lines
    assert (line["event"], line["failure"]) == ("workflow.executed", "connection refused")
    [delivery] = call("GET", f"/integrations/webhooks/{webhook}/deliveries").data
    assert [one["failure"] for one in delivery["attempts"]] == ["reported"]


def test_it_survives_a_service_that_fails(cli: CommandLine, api: Receiver, endpoint: Receiver) -> None:
    running = cli.start("listen", "--forward-to", endpoint.url)
    endpoint_of(running)
    answer, failing = api.answer, [3]

    def sometimes(request: object) -> Reply:
        failing[0] -= 1
        return Reply(503, {}) if failing[0] >= 0 else answer(request)  # type: ignore[arg-type]

    api.answer = sometimes
    publish()
    running.wait_for_note("Connected again")
    assert "workflow.executed" in running.wait_for("workflow.executed")
    assert running.interrupt().err.count("trying again") == 1


@pytest.mark.parametrize("address", ["", "ftp://localhost", "http://", "localhost:99999999"])
def test_what_is_no_address_is_said(cli: CommandLine, address: str) -> None:
    done = cli("listen", "--forward-to", address)
    assert done.code == 2
    assert "no address" in done.err
