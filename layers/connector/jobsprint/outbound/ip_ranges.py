"""Classes of IP addresses that are not on the public internet: private, loopback, metadata and the like.

In: an address, as text or from `ipaddress`. Out: the classes that hold for it; none means globally reachable unicast.

The tables are our own, because what `ipaddress.is_global` answers differs between Python 3.11.7 and 3.13. Sources:
the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890) and, for IPv6 addresses that carry an IPv4,
RFC 4291 (mapped, compatible), 2765 (translated), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP), 6052 and 8215 (NAT64).
An operator's own NAT64 prefix cannot be told from any other network and is classified as plain IPv6.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Worst first: where several classes hold (an IPv6 that carries an IPv4), the first of these is the one reported.
CLASSES = (
    "metadata",
    "loopback",
    "link_local",
    "unspecified",
    "malformed",
    "scoped",
    "multicast",
    "private",
    "shared",
    "benchmarking",
    "documentation",
    "reserved",
)
"""Every class an address can have; an address with none of them is globally reachable unicast."""

_V4_NETWORKS = {
    "metadata": (
        "169.254.169.254/32",  # AWS, Azure, Google Cloud and most others
        "169.254.170.2/32",  # Amazon ECS task credentials
        "169.254.170.23/32",  # Amazon EKS pod identity
        "100.100.100.200/32",  # Alibaba Cloud
        "192.0.0.192/32",  # Oracle Cloud
        "168.63.129.16/32",  # Azure's host, globally routable by its number
        "169.254.0.23/32",  # Tencent Cloud
        "169.254.42.42/32",  # Scaleway
    ),
    "unspecified": ("0.0.0.0/32",),  # connects to this machine on Linux
    "loopback": ("127.0.0.0/8",),
    "link_local": ("169.254.0.0/16",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared": ("100.64.0.0/10",),
    "benchmarking": ("198.18.0.0/15",),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    "multicast": ("224.0.0.0/4",),
    # The registry calls some of these reachable, but as anycast relays and sinks: no endpoint has such an address.
    "reserved": (
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "240.0.0.0/4",
    ),
}

_V6_NETWORKS = {
    "metadata": (
        "fd00:ec2::/32",  # AWS: instance metadata, pod identity, DNS, time
        "fd20:ce::254/128",  # Google Cloud
        "fd00:42::42/128",  # Scaleway
        "fd00:a9fe:a9fe::/48",  # Akamai
        "fe80::a9fe:a9fe/128",  # OpenStack
    ),
    "unspecified": ("::/128",),
    "loopback": ("::1/128",),
    "link_local": ("fe80::/10",),
    "private": ("fc00::/7",),
    "benchmarking": ("2001:2::/48",),
    "documentation": ("2001:db8::/32", "3fff::/20"),
    "multicast": ("ff00::/8",),
    "reserved": ("2001::/23", "2002::/16", "2620:4f:8000::/48"),
}

_Ranges = tuple[tuple[int, int, str], ...]


def _ranges(networks: dict[str, tuple[str, ...]]) -> _Ranges:
    """First address, last address and class of every network, as numbers: a comparison each, no objects."""
    return tuple(
        (int(network.network_address), int(network.broadcast_address), name)
        for name, spellings in networks.items()
        for network in map(ipaddress.ip_network, spellings)
    )


_V4_RANGES = _ranges(_V4_NETWORKS)
_V6_RANGES = _ranges(_V6_NETWORKS)
_LOW_32 = 0xFFFF_FFFF
# The first 96 bits of the forms that carry an IPv4 in the last 32: mapped and NAT64, then translated and compatible.
_TRANSPARENT_PREFIXES = frozenset({0xFFFF, 0x0064_FF9B << 64})
_PREFIXES_96 = _TRANSPARENT_PREFIXES | {0xFFFF_0000, 0}
_NAT64_LOCAL_PREFIX = 0x0064_FF9B_0001
_SIX_TO_FOUR_PREFIX, _TEREDO_PREFIX = 0x2002, 0x2001_0000
_ISATAP_MARK, _ISATAP_MASK = 0x0000_5EFE, 0xFCFF_FFFF  # the universal and group bits may be set


def _class_v4(number: int) -> str | None:
    return next((name for first, last, name in _V4_RANGES if first <= number <= last), None)


def _class_v6(number: int) -> str | None:
    """The class of an IPv6 by its own network; all of it outside 2000::/3 and the table is reserved."""
    if number >> 32 in _TRANSPARENT_PREFIXES:
        return None  # reaches the IPv4 it carries, so that alone counts
    named = next((name for first, last, name in _V6_RANGES if first <= number <= last), None)
    return named or (None if number >> 125 == 0b001 else "reserved")


def _nat64_local(number: int) -> Iterator[int]:
    """64:ff9b:1::/48 may be cut at 48, 56, 64 or 96 bits (RFC 6052, 2.2): every IPv4 it could carry."""
    octets = number.to_bytes(16, "big")
    without_u = octets[:8] + octets[9:]  # octet 8 is never part of the IPv4
    guesses = (without_u[6:10], without_u[7:11], without_u[8:12], octets[12:])
    yield from filter(None, (int.from_bytes(guess, "big") for guess in guesses))  # zeros: not cut here


def _carried(number: int) -> Iterator[int]:
    """Every IPv4 that this IPv6 carries in one of the known forms."""
    last = number & _LOW_32
    if number >> 32 in _PREFIXES_96 and number > 1:  # :: and ::1 carry nothing
        yield last
    elif number >> 112 == _SIX_TO_FOUR_PREFIX:
        yield number >> 80 & _LOW_32
    elif number >> 80 == _NAT64_LOCAL_PREFIX:
        yield from _nat64_local(number)
    elif number >> 96 == _TEREDO_PREFIX:
        yield number >> 64 & _LOW_32  # the server
        yield last ^ _LOW_32  # the client, obfuscated
    if number >> 32 & _ISATAP_MASK == _ISATAP_MARK:
        yield last


def parse_address(ip: str | Address) -> Address | None:
    """The address that a text spells in standard notation without a zone id, else None."""
    parsed = _parse(ip)
    return None if isinstance(parsed, str) else parsed


@lru_cache(maxsize=1024)
def canonical_ip(ip: str) -> str:
    """The one spelling by which addresses can be compared; a mapped IPv4 is that IPv4. ValueError for no address."""
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, IPv6) else None
    return str(mapped or address)


def all_classes(ip: str | Address) -> set[str]:
    """Every class that holds for the address: its own and those of the IPv4 addresses it carries.

    A zone id is `scoped`; what is no address at all is `malformed`.
    """
    address = _parse(ip)
    if isinstance(address, str):
        return {address}
    number = int(address)
    own, carried = (_class_v4, ()) if isinstance(address, IPv4) else (_class_v6, _carried(number))
    return {name for name in (own(number), *map(_class_v4, carried)) if name}


def worst(classes: Iterable[str]) -> str | None:
    """The class to report where several hold; None for none."""
    return min(classes, key=CLASSES.index, default=None)


def classify(ip: str | Address) -> str | None:
    """The class of an address (the worst of `all_classes`), or None if it is globally reachable unicast."""
    return worst(all_classes(ip))


def _parse(ip: str | Address) -> Address | Literal["malformed", "scoped"]:
    if not isinstance(ip, str):
        return "scoped" if isinstance(ip, IPv6) and ip.scope_id else ip
    if "%" in ip:
        return "scoped"
    try:
        return ipaddress.ip_address(ip)
    except ValueError:
        return "malformed"
