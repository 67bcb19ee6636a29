"""The outbound guard at every entry point with a sample of the corpus, changing names, and discovered addresses.

`make test-delivery` tries the whole corpus.
"""

import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from jobsprint.connectors import fields, registry
from jobsprint.outbound import pinning, transfer
from tests.conftest import forget_settings
from tests.support.authority import Authority, authority
from tests.support.call import Answer, call
from tests.support.deliveries import deliveries, dispatch, publish, record, subscribe, watching_sqs
from tests.support.dns import NameServer, name_server
from tests.support.receiver import Reply, receiving
from tests.support.rows import connected, rows
from tests.support.sender import sending
from tests.support.ssrf_entry_points import ENTRY_POINTS, refusal_of

PUBLIC = "93.184.216.34"
SAMPLE = [
    ("https://2852039166/", "blocked_address: metadata"),
    ("https://0251.0376.0251.0376/latest", "blocked_address: metadata"),
    ("https://[64:ff9b:1:a9fe:a9:fe00::]/", "blocked_address: metadata"),
    ("https://[2002:a9fe:a9fe::]/", "blocked_address: metadata"),
    ("https://[fd00:ec2::254]/", "blocked_address: metadata"),
    ("https://168.63.129.16/", "blocked_address: metadata"),
    ("https://\uff11\uff12\uff17.0.0.\uff11/", "blocked_address: loopback"),
    ("https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "blocked_address: loopback"),
    ("https://[fe80::5efe:8.8.8.8]/", "blocked_address: link_local"),
    ("https://[fe80::1%25eth0]/", "malformed_url"),
    ("https://example.com@127.0.0.1/", "malformed_url"),
]


@pytest.fixture
def dns(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The name server that the whole service asks."""
    with name_server() as server:
        monkeypatch.setattr(pinning, "system_resolver", server.resolver)
        yield server


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_a_forbidden_address_is_refused_by_its_class_at_every_entry_point(entry_point: str) -> None:
    field, submit = ENTRY_POINTS[entry_point]
    for url, reason in SAMPLE:
        assert refusal_of(submit(url), field).startswith(reason), url
    assert rows() == []


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_the_operators_flag_opens_private_networks_and_nothing_else(
    aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch, dns: NameServer, entry_point: str
) -> None:
    monkeypatch.setenv("ALLOW_LOOPBACK_TARGETS", "false")  # as in AWS: private targets are allowed by `aws`
    forget_settings()
    field, submit = ENTRY_POINTS[entry_point]
    dns.answers = {"inside.test": [["169.254.169.254"]], "self.test": [[PUBLIC, "::1"]], "link.test": [["fe80::1"]]}
    for url, reason in (
        ("http://169.254.169.254/", "metadata"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("http://100.100.100.200/", "metadata"),
        ("http://169.254.1.1/", "link_local"),
        ("http://127.0.0.1:8080/", "loopback"),
        ("http://localhost:8080/", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://inside.test/", "metadata"),
        ("http://self.test/", "loopback"),
        ("http://link.test/", "link_local"),
    ):
        assert refusal_of(submit(url), field) == f"blocked_address: {reason}", url
    assert rows() == []
    fields.check_target("http://10.0.0.1/")


def test_a_name_that_flips_between_check_and_connect_is_refused(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.answers["flip.test"] = [[PUBLIC], ["169.254.169.254"]]
    with sending(monkeypatch), watching_sqs() as outbox:
        webhook = subscribe("https://flip.test/")
        publish()
        assert dispatch(*(record(message.body) for message in outbox.take())) == []
    [delivery] = deliveries(webhook["id"])
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["failure"]) == ("retrying", "blocked_address: metadata")
    assert dns.asked["flip.test"] == 2


def test_a_name_that_flips_after_the_check_is_not_resolved_again(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as checked, sending(monkeypatch), watching_sqs() as outbox:
        port = int(checked.url.rpartition(":")[2])
        with socket.create_server(("127.0.0.2", port)) as elsewhere:
            elsewhere.setblocking(False)
            # The check at creation, then the one lookup of the delivery; a further lookup would lead elsewhere.
            dns.answers["flip.test"] = [["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]]
            webhook = subscribe(f"http://flip.test:{port}/")
            publish()
            assert dispatch(*(record(message.body) for message in outbox.take())) == []
            with pytest.raises(BlockingIOError):
                elsewhere.accept()
    assert deliveries(webhook["id"])[0]["state"] == "delivered"
    assert len(checked.received) == 1
    assert checked.received[0].headers["host"] == f"flip.test:{port}"
    assert dns.asked["flip.test"] == 2


def test_a_test_and_an_action_check_the_address_again(dns: NameServer) -> None:
    with receiving() as endpoint:
        port = int(endpoint.url.rpartition(":")[2])
        dns.answers["flip.test"] = [["127.0.0.1"], ["127.0.0.1"], ["169.254.1.1"]]
        actions = [{"name": "go", "description": "Go", "parameters": {"type": "object"}}]
        integration = connected(f"http://flip.test:{port}/", actions=actions)
        tested = call("POST", f"/integrations/{integration}/test")
        assert tested.status == 200
        seen = len(endpoint.received)
        dns.answers["flip.test"] = [["169.254.1.1"]]
        tested = call("POST", f"/integrations/{integration}/test")
        acted = call("POST", f"/integrations/{integration}/actions/go", body={"parameters": {}})
        assert "blocked_address: link_local" in str(tested.body)
        assert (acted.status, acted.error["code"]) == (502, "upstream_blocked_address")
        assert "blocked_address: link_local" in acted.error["message"]
        assert len(endpoint.received) == seen


def test_a_redirect_is_never_followed_to_anywhere(dns: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as endpoint, receiving() as target, sending(monkeypatch), watching_sqs() as outbox:
        endpoint.answer = lambda _: Reply(307, headers={"Location": f"{target.url}/"})
        webhook = subscribe(endpoint.url)
        publish()
        dispatch(*(record(message.body) for message in outbox.take()))
        assert call("POST", f"/integrations/{connected(endpoint.url)}/test").status == 200
        assert deliveries(webhook["id"])[0]["attempts"][0]["failure"] == "http_3xx"
        assert target.received == []


# --- discovered addresses ---------------------------------------------------------------------------------------------

LITERAL, NAMED = "http://169.254.169.254", "http://trap.test"
FOUND: dict[str, Callable[[Authority, str], None]] = {
    "resource metadata": lambda server, trap: setattr(server.faults, "tool", _challenge_to(trap)),
    "authorization server": lambda server, trap: server.faults.resource.update(authorization_servers=[trap]),
    "authorization endpoint": lambda server, trap: server.faults.server.update(authorization_endpoint=f"{trap}/a"),
    "token endpoint": lambda server, trap: server.faults.server.update(token_endpoint=f"{trap}/t"),
    "registration endpoint": lambda server, trap: server.faults.server.update(registration_endpoint=f"{trap}/r"),
    "revocation endpoint": lambda server, trap: server.faults.server.update(revocation_endpoint=f"{trap}/r"),
}


def _challenge_to(trap: str) -> Any:
    return lambda _token: (401, {}, {"WWW-Authenticate": f'Bearer resource_metadata="{trap}/meta"'})


@pytest.fixture
def server(dns: NameServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setitem(registry.CONNECTORS, "mcp", "tests.support.bearer:Bearer")  # type: ignore[misc]
    with authority() as made:
        yield made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The addresses for which libcurl asks for a socket from now on."""
    asked: set[str] = set()
    open_socket = transfer.Transfer.open_socket

    def spy(self: transfer.Transfer, purpose: int, address: Any) -> Any:
        asked.add(address.addr[0])
        return open_socket(self, purpose, address)

    monkeypatch.setattr(transfer.Transfer, "open_socket", spy)
    return asked


def begin_authorization(server: Authority) -> Answer:
    body = {"authType": "oauth", "serverUrl": server.mcp, "redirectUrl": "https://your-app.com/callback"}
    return call("POST", "/integrations/mcp_server/connect", body=body)


def return_from(server: Authority, begun: Answer) -> Answer:
    """The callback after a person has authorized the connection."""
    brought = server.consent(begun.data["authUrl"])
    return call("GET", f"{brought.pop('at')}?{urlencode(brought)}", tenant=None)


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("trap", [LITERAL, NAMED])
def test_a_discovered_address_is_checked_like_a_given_one(
    dns: NameServer, server: Authority, opened: set[str], found: str, trap: str
) -> None:
    dns.answers["trap.test"] = [["169.254.169.254"]]
    FOUND[found](server, trap)
    begun = begin_authorization(server)
    if found == "revocation endpoint":
        assert "status=connected" in return_from(server, begun).headers["Location"]
        assert call("POST", f"/integrations/{begun.data['id']}/disconnect").status == 200
    elif (found, trap) == ("token endpoint", NAMED):  # a name is resolved when it is called
        assert "status=error" in return_from(server, begun).headers["Location"]
    elif (found, trap) == ("authorization endpoint", NAMED):
        assert begun.data["authUrl"].startswith(f"{NAMED}/a?")  # a person's browser goes there, this service never
    else:
        assert begun.status == 502, begun.body
        assert "blocked_address: metadata" in begun.error["message"], begun.body
    assert opened == {"127.0.0.1"}
