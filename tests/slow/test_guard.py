"""The whole corpus of addresses at every entry point, as literals, behind names, and with private targets allowed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.connectors import fields
from jobsprint.core.errors import InvalidFields
from jobsprint.domain import endpoint_health
from jobsprint.outbound import pinning, transfer
from tests.conftest import forget_settings
from tests.support.deliveries import dispatch, publish, record, subscribe, watching_sqs
from tests.support.dns import NameServer, name_server
from tests.support.rows import rows
from tests.support.sender import sending
from tests.support.ssrf_entry_points import ENTRY_POINTS, forbidden_answers, forbidden_urls, refusal_of

PUBLIC = "93.184.216.34"
OPENED_BY_THE_FLAG = {"private", "shared", "benchmarking"}


@pytest.fixture
def dns(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The name server that the whole service asks; the service runs as in AWS."""
    monkeypatch.setenv("ALLOW_PRIVATE_TARGETS", "false")
    monkeypatch.setenv("ALLOW_LOOPBACK_TARGETS", "false")
    with name_server() as server:
        monkeypatch.setattr(pinning, "system_resolver", server.resolver)
        forget_settings()
        yield server


def _names(said: str, reason: str) -> bool:
    """Whether an answer gives that reason; what is no URL at all may be refused in a connector's own words."""
    return said.startswith(reason) or (reason == "malformed_url" and not said.startswith("HTTP"))


def test_every_spelling_is_refused_at_every_entry_point(dns: NameServer) -> None:
    wrong = [
        (entry_point, url)
        for entry_point, (field, submit) in ENTRY_POINTS.items()
        for url, reason in forbidden_urls()
        if not _names(refusal_of(submit(url), field), reason)
    ]
    urls, points = len(forbidden_urls()), len(ENTRY_POINTS)
    print(f"\nforbidden URLs: {urls} at {points} entry points, refused by their class: {urls * points - len(wrong)}")
    assert wrong == []
    assert dns.asked == {}
    assert rows() == []


def test_a_name_that_resolves_to_one_is_refused_at_every_entry_point(dns: NameServer) -> None:
    wrong = []
    for number, (ip, name) in enumerate(forbidden_answers()):
        host = f"n{number}.test"
        dns.answers[host] = [[ip] if number % 2 else [PUBLIC, ip]]  # one bad answer spoils the good ones
        for entry_point, (field, submit) in ENTRY_POINTS.items():
            said = refusal_of(submit(f"https://{host}/"), field)
            if said != f"blocked_address: {name}":
                wrong.append((entry_point, ip, said))
    answers, points = len(forbidden_answers()), len(ENTRY_POINTS)
    print(f"\nforbidden answers: {answers} at {points} entry points, refused: {answers * points - len(wrong)}")
    assert wrong == []
    assert rows() == []


def test_a_name_that_flips_to_any_of_them_is_refused_at_delivery(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Counter[str] = Counter()
    opened: list[str] = []
    monkeypatch.setattr(endpoint_health, "MIN_ATTEMPTS", 1_000_000)  # so many failures would open the breaker
    monkeypatch.setattr(transfer.Transfer, "open_socket", lambda *_: opened.append("a socket"))
    dns.answers["flip.test"] = [[PUBLIC], *([ip] for ip, _ in forbidden_answers())]
    with sending(monkeypatch), watching_sqs() as outbox:
        subscribe("https://flip.test/", "flip.*")
        for _, name in forbidden_answers():
            publish("flip.now")
            [message] = outbox.take()
            assert dispatch(record(message.body)) == []
            [retry] = outbox.take()
            assert retry.json["attempt"] == 2
            found[name] += 1
    kept = [row for row in rows("EventsTable") if "blocked_address" in row]
    shown = Counter(row.split("blocked_address: ")[1].split("\\")[0] for row in kept)
    print(f"\nnames flipped after their check: {sum(found.values())}, refused at delivery: {sum(shown.values())}")
    assert shown == found
    assert opened == []


def refused_target(url: str) -> str:
    """Why the service may not call this; empty where it may."""
    try:
        fields.check_target(url)
    except InvalidFields as error:
        return str(error)
    return ""


def test_the_operators_flag_opens_private_networks_and_nothing_else(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_PRIVATE_TARGETS", "true")
    forget_settings()
    ends: Counter[str] = Counter()
    for number, (ip, name) in enumerate(forbidden_answers()):
        dns.answers[f"n{number}.test"] = [[ip]]
        for host in (f"[{ip}]" if ":" in ip else ip, f"n{number}.test"):
            said = refused_target(f"http://{host}/")
            assert name in OPENED_BY_THE_FLAG or said.endswith(f"blocked_address: {name}"), (host, said)
            ends["still refused" if said else "opened"] += 1
    print(f"\nwith AllowPrivateTargets: {ends['opened']} opened, {ends['still refused']} still refused")
    assert ends["opened"]
    assert ends["still refused"] > ends["opened"]
