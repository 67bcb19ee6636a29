"""Names resolved to checked addresses: strange and hanging resolvers, and the check of a URL before it is stored."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.outbound.address_policy import AddressPolicy, ForbiddenUrl, check_url
from jobsprint.outbound.pinning import MAX_LOOKUPS, Unresolvable, check_destination, resolve, start_lookup

STRICT = AddressPolicy()
PRIVATE = AddressPolicy(allow_private=True)
LOCAL = AddressPolicy(allow_private=True, allow_loopback=True)
HOST = check_url("https://host.test/", STRICT)


def says(*ips: str) -> Callable[..., list[tuple[Any, ...]]]:
    return lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]


def unknown(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@given(
    st.lists(st.sampled_from(["8.8.8.8", "1.1.1.1", "2606:4700::1111"]), max_size=5),
    st.integers(10 << 24, (11 << 24) - 1),
    st.data(),
)
def test_one_forbidden_answer_refuses_all(public: list[str], forbidden: int, data: st.DataObject) -> None:
    answers = list(public)
    answers.insert(data.draw(st.integers(0, len(public))), str(ipaddress.IPv4Address(forbidden)))
    with pytest.raises(ForbiddenUrl, match="blocked_address"):
        resolve(HOST, STRICT, timeout=2, resolver=says(*answers))


def test_ipv4_first_in_the_resolver_s_order_each_once() -> None:
    answers = says("2606:4700::1111", "8.8.8.8", "1.1.1.1", "::ffff:8.8.8.8", "2606:4700:0::1111")
    assert resolve(HOST, STRICT, timeout=1, resolver=answers) == ["8.8.8.8", "1.1.1.1", "2606:4700::1111"]


def test_literals_and_localhost_need_no_resolver() -> None:
    assert resolve(check_url("https://8.8.8.8/", STRICT), STRICT, timeout=1, resolver=unknown) == ["8.8.8.8"]
    target = check_url("http://api.localhost:3000/", LOCAL)
    assert resolve(target, LOCAL, timeout=1, resolver=unknown) == ["127.0.0.1", "::1"]
    with pytest.raises(ForbiddenUrl, match="loopback"):
        resolve(target, PRIVATE, timeout=1, resolver=unknown)


@pytest.mark.parametrize("answer", ["fe80::1%eth0", "no address", "", "169.254.169.254"])
def test_strange_answers_are_refused(answer: str) -> None:
    with pytest.raises(ForbiddenUrl, match="blocked_address"):
        resolve(HOST, LOCAL, timeout=1, resolver=says(answer))


def broken(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    raise UnicodeError("label too long")


@pytest.mark.parametrize("resolver", [unknown, broken, says()])
def test_no_answer_is_unresolvable(resolver: Callable[..., Any]) -> None:
    with pytest.raises(Unresolvable):
        resolve(HOST, STRICT, timeout=1, resolver=resolver)


def busy(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    raise socket.gaierror(socket.EAI_AGAIN, "try again")


@pytest.mark.parametrize(
    ("resolver", "message"),
    [
        (unknown, "host.test does not resolve to an address"),
        (broken, "host.test does not resolve to an address"),
        (busy, "the name servers did not answer for host.test"),
    ],
)
def test_why_a_host_does_not_resolve_is_said_in_words(resolver: Callable[..., Any], message: str) -> None:
    with pytest.raises(Unresolvable) as failed:
        resolve(HOST, STRICT, timeout=1, resolver=resolver)
    assert str(failed.value) == message


def test_a_hanging_resolver_costs_no_more_than_the_timeout() -> None:
    release = threading.Event()
    began = time.monotonic()
    with pytest.raises(Unresolvable, match=r"0\.1 s"):
        resolve(HOST, STRICT, timeout=0.1, resolver=lambda *_, **__: release.wait(5) and [])
    assert time.monotonic() - began < 0.5
    left_behind = [thread for thread in threading.enumerate() if thread.name == "lookup"]
    assert all(thread.daemon for thread in left_behind)
    release.set()
    for thread in left_behind:
        thread.join(2)


def test_hanging_lookups_are_bounded() -> None:
    release = threading.Event()
    hanging = [start_lookup(HOST, lambda *_, **__: release.wait(5) and []) for _ in range(MAX_LOOKUPS)]
    with pytest.raises(Unresolvable, match="too many"):
        resolve(HOST, STRICT, timeout=1, resolver=says("8.8.8.8"))
    release.set()
    assert all(lookup.result(2) == [] for lookup in hanging)


def test_a_url_is_checked_before_it_is_stored() -> None:
    check_destination("https://host.test/", STRICT, resolver=says("8.8.8.8"))
    check_destination("https://host.test/", STRICT, resolver=unknown)
    for answers in (["10.0.0.1"], ["8.8.8.8", "10.0.0.1"]):
        with pytest.raises(ForbiddenUrl) as refused:
            check_destination("https://host.test/", STRICT, resolver=says(*answers))
        assert refused.value.reason == "blocked_address: private"
    with pytest.raises(ForbiddenUrl, match="plain_http"):
        check_destination("http://host.test/", STRICT, resolver=says("8.8.8.8"))
