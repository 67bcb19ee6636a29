"""Allowed URLs and addresses: the corpus, and properties of every address."""

import ipaddress
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobsprint.outbound.address_policy import AddressPolicy, ForbiddenUrl, Target, check_url, refused_class
from jobsprint.outbound.ip_ranges import CLASSES, classify

CORPUS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("addresses.json").read_text("utf-8"))
STRICT = AddressPolicy()
PRIVATE = AddressPolicy(allow_private=True)
LOCAL = AddressPolicy(allow_private=True, allow_loopback=True)
POLICIES = [STRICT, PRIVATE, AddressPolicy(allow_loopback=True), LOCAL]
HOST = check_url("https://host.test/", STRICT)

IPV4 = st.integers(0, 2**32 - 1)
FORBIDDEN_V4 = st.one_of(
    *(
        st.integers(int(network[0]), int(network[-1]))
        for network in map(
            ipaddress.ip_network,
            [
                *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"),
                *("0.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32", "192.0.2.0/24", "224.0.0.0/3"),
            ],
        )
    )
)
EMBEDDINGS: dict[str, Callable[[int, int], int]] = {
    "mapped": lambda v4, _: 0xFFFF << 32 | v4,
    "translated": lambda v4, _: 0xFFFF0000 << 32 | v4,
    "compatible": lambda v4, _: v4,
    "6to4": lambda v4, rest: 0x2002 << 112 | v4 << 80 | rest & (1 << 80) - 1,
    "nat64": lambda v4, _: 0x64FF9B << 96 | v4,
    "nat64 local /48": lambda v4, _: 0x64FF9B0001 << 80 | v4 >> 16 << 64 | (v4 & 0xFFFF) << 40,
    "nat64 local /56": lambda v4, _: 0x64FF9B0001 << 80 | v4 >> 24 << 64 | (v4 & 0xFFFFFF) << 32,
    "nat64 local /64": lambda v4, _: 0x64FF9B0001 << 80 | v4 << 24,
    "nat64 local /96": lambda v4, _: 0x64FF9B0001 << 80 | v4,
    "isatap": lambda v4, rest: 0x2606 << 112 | (rest & (1 << 48) - 1) << 64 | 0x5EFE << 32 | v4,
    "isatap, universal": lambda v4, rest: 0x2606 << 112 | (rest & (1 << 48) - 1) << 64 | 0x02005EFE << 32 | v4,
    "teredo server": lambda v4, rest: 0x20010000 << 96 | v4 << 64 | rest & (1 << 64) - 1,
    "teredo client": lambda v4, rest: 0x20010000 << 96 | (rest & (1 << 64) - 1) << 32 | v4 ^ 0xFFFFFFFF,
}


# --- the corpus -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CORPUS["addresses"], ids=lambda row: row["address"])
def test_the_class_of_an_address(row: dict[str, Any]) -> None:
    assert classify(row["address"]) == row["class"]
    if row["class"] not in {"scoped", "malformed"}:
        assert classify(ipaddress.ip_address(row["address"])) == row["class"]


@pytest.mark.parametrize("row", CORPUS["urls"], ids=lambda row: ascii(row["url"]))
def test_the_check_of_a_url(row: dict[str, Any]) -> None:
    if "called" in row:
        target = check_url(row["url"], STRICT)
        assert target.url == row["called"]
        assert check_url(target.url, STRICT) == target
    else:
        with pytest.raises(ForbiddenUrl) as refused:
            check_url(row["url"], STRICT)
        assert refused.value.reason == row["refused"]
        assert str(refused.value).startswith(row["refused"])


def test_the_corpus_is_large_and_has_every_class() -> None:
    assert len(CORPUS["addresses"]) + len(CORPUS["urls"]) >= 250
    assert {row["class"] for row in CORPUS["addresses"]} == {None, *CLASSES}


# --- policies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "open_classes"),
    [
        (STRICT, set()),
        (PRIVATE, {"private", "shared", "benchmarking"}),
        (AddressPolicy(allow_loopback=True), {"loopback"}),
        (LOCAL, {"private", "shared", "benchmarking", "loopback"}),
    ],
)
def test_what_each_policy_opens(policy: AddressPolicy, open_classes: set[str]) -> None:
    assert {name for name in CLASSES if policy.allows(name)} == open_classes


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "ip",
    [
        *(
            "169.254.169.254",
            "fd00:ec2::254",
            "100.100.100.200",
            "169.254.1.1",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
        ),
        *("64:ff9b::a9fe:a9fe", "::ffff:169.254.169.254", "2002:a9fe:a9fe::", "fd00::5efe:169.254.169.254"),
    ],
)
def test_no_policy_opens_metadata_and_the_like(policy: AddressPolicy, ip: str) -> None:
    assert refused_class(ip, policy)
    with pytest.raises(ForbiddenUrl, match="blocked_address"):
        check_url(f"https://[{ip}]/" if ":" in ip else f"https://{ip}/", policy)


@pytest.mark.parametrize("policy", [AddressPolicy(), AddressPolicy(allow_private=True, allow_loopback=True)])
@pytest.mark.parametrize(
    "host",
    ["metadata.google.internal", "METADATA.google.internal.", "\uff4detadata.google.internal", "instance-data"],
)
def test_metadata_services_are_refused_by_name(policy: AddressPolicy, host: str) -> None:
    with pytest.raises(ForbiddenUrl) as refused:
        check_url(f"https://{host}/computeMetadata/v1/", policy)
    assert refused.value.reason == "blocked_address: metadata"


def test_an_address_of_two_classes_needs_both_open() -> None:
    both = "fd00::5efe:127.0.0.1"
    assert refused_class(both, PRIVATE) == "loopback"
    assert refused_class(both, AddressPolicy(allow_loopback=True)) == "private"
    assert refused_class(both, LOCAL) is None


def test_plain_http_and_port_80_come_with_private_networks() -> None:
    assert check_url("http://host.test/", PRIVATE) == Target("http", "host.test", 80, "http://host.test/")
    assert check_url("http://10.0.0.1:8080/", PRIVATE).port == 8080
    assert check_url("https://host.test:80/", PRIVATE).port == 80
    assert check_url("http://host.test:443/", PRIVATE).url == "http://host.test:443/"
    for url in ("http://host.test:81/", "http://host.test:22/"):
        with pytest.raises(ForbiddenUrl, match="blocked_port"):
            check_url(url, PRIVATE)


def test_the_length_limit() -> None:
    start = "https://host.test/"
    assert check_url(start + "a" * (2048 - len(start)), STRICT)
    with pytest.raises(ForbiddenUrl, match="2048"):
        check_url(start + "a" * (2049 - len(start)), STRICT)
    label = "a" * 63
    assert check_url(f"https://{label}.{label}.{label}.{'a' * 61}/", STRICT)
    for host in (f"{label}a.test", f"{label}.{label}.{label}.{'a' * 62}", "ü" * 63 + ".test"):
        with pytest.raises(ForbiddenUrl, match="malformed_url"):
            check_url(f"https://{host}/", STRICT)


# --- properties -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", EMBEDDINGS)
@given(v4=FORBIDDEN_V4, rest=st.integers(0, 2**128 - 1))
def test_an_ipv6_that_carries_a_forbidden_ipv4_is_forbidden(form: str, v4: int, rest: int) -> None:
    assume(form != "compatible" or v4 > 1)  # :: and ::1 mean something of their own
    carrier = ipaddress.IPv6Address(EMBEDDINGS[form](v4, rest))
    for policy in POLICIES:
        if refused_class(ipaddress.IPv4Address(v4), policy):
            assert refused_class(carrier, policy)


@given(st.one_of(IPV4, FORBIDDEN_V4))
def test_every_spelling_of_an_ipv4_is_classified_alike(number: int) -> None:
    a, b, c, d = number.to_bytes(4, "big")
    plain = str(ipaddress.IPv4Address(number))
    wide = "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in plain)
    spellings = [
        plain,
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{c << 8 | d}",
    ]
    spellings += [f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:#x}.{b}.0{c:o}.{d}", plain + ".", wide, f"[::ffff:{plain}]"]
    for policy in POLICIES:
        refused = refused_class(plain, policy)
        for spelling in spellings:
            if refused:
                with pytest.raises(ForbiddenUrl) as error:
                    check_url(f"https://{spelling}/", policy)
                assert error.value.reason == f"blocked_address: {refused}"
            else:
                assert check_url(f"https://{spelling}/", policy).host == plain


@given(st.one_of(IPV4.map(ipaddress.IPv4Address), st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)))
def test_what_python_calls_special_is_never_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    special = (ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_link_local) and not (
        isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or int(ip) >> 32 == 0x64FF9B << 64)
    )
    if special:
        assert classify(ip)


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_a_refusal(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/x", f"https://host.test/{text}"):
        try:
            target = check_url(url, STRICT)
        except ForbiddenUrl:
            continue
        assert target.url.isascii()
        assert target.host == target.host.lower()
        assert check_url(target.url, STRICT) == target
