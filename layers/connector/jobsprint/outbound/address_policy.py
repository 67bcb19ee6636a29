"""Which addresses the service may connect to, and what a tenant's URL really points at.

In: a URL or an address that a tenant gave. Out: the addresses that may be connected to, or a refusal that names its
reason. Nothing here connects anywhere; `outbound.client` does, and only to what `resolve` returned.

The tables are our own, because what `ipaddress.is_global` answers differs between Python 3.11.7 and 3.13. Sources:
the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890) and, for IPv6 addresses that carry an IPv4,
RFC 4291 (mapped, compatible), 2765 (translated), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP), 6052 and 8215 (NAT64).
A NAT64 prefix of an operator's own cannot be told from any other network and is judged as plain IPv6.
"""

import ipaddress
import re
import socket
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from jobsprint.core.config import settings

MAX_URL = 2048
"""Characters in a URL (contract, section 6)."""

MAX_HOST = 253
"""Characters in a host name (RFC 1035), without the trailing dot."""

MAX_LOOKUPS = 256
"""Lookups of this process that may be under way; the system resolver cannot be interrupted, only abandoned."""

IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[..., Iterable[Sequence[Any]]]
"""Anything with the face of `socket.getaddrinfo`: `(host, port, type=…)` in, its tuples out, OSError if it fails."""

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

_PRIVATE_CLASSES = frozenset({"private", "shared", "benchmarking"})


@dataclass(frozen=True)
class AddressPolicy:
    """What this deployment lets tenants reach besides the public internet over https.

    `allow_private` opens private, shared (CGNAT) and benchmarking networks, plain http and port 80. `allow_loopback`
    opens loopback, for the local stack only. Metadata, link-local and all other special addresses are never open.
    """

    allow_private: bool = False
    allow_loopback: bool = False

    def allows(self, name: str) -> bool:
        """Whether addresses of this class may be connected to."""
        return (self.allow_private and name in _PRIVATE_CLASSES) or (self.allow_loopback and name == "loopback")


def deployment_policy() -> AddressPolicy:
    """What this deployment lets tenants reach, from its settings."""
    return AddressPolicy(
        allow_private=settings().allow_private_targets, allow_loopback=settings().allow_loopback_targets
    )


Reason = Literal["blocked_address", "blocked_port", "plain_http", "malformed_url"]


class ForbiddenUrl(ValueError):
    """The URL may not be called. `kind` is one of `Reason`; `address_class` is one of `CLASSES` where it is an address
    that is refused, else empty; `reason` is both (`blocked_address: link_local`). The message starts with `reason` and
    never repeats the URL.
    """

    def __init__(self, kind: Reason, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Reason = kind
        self.address_class = detail if kind == "blocked_address" else ""
        self.reason = f"{kind}: {detail}" if kind == "blocked_address" else kind


class Unresolvable(OSError):
    """The host has no address, or none was found in time."""


@dataclass(frozen=True)
class Target:
    """A URL that passed the vetting of its text.

    `host` is ASCII, lower case, without brackets or trailing dot, and a numeric spelling is in its normal form;
    `url` is rebuilt from the parts (no fragment, nothing but ASCII), so nobody parses the original a second time.
    """

    scheme: str
    host: str
    port: int
    url: str


# --- classes of addresses -------------------------------------------------------------------------------------------

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
    "unspecified": ("0.0.0.0/32",),  # connects to this very machine on Linux
    "loopback": ("127.0.0.0/8",),
    "link_local": ("169.254.0.0/16",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared": ("100.64.0.0/10",),
    "benchmarking": ("198.18.0.0/15",),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    "multicast": ("224.0.0.0/4",),
    # Some of these are reachable by the registry's word, but as anycast relays and sinks: no receiver lives there.
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
    """The class of an IPv6 by its own network; whatever is not 2000::/3 and not known by name is reserved."""
    if number >> 32 in _TRANSPARENT_PREFIXES:
        return None  # reaches the IPv4 it carries, so that alone is judged
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


def _parse(ip: str | Address) -> Address | Literal["malformed", "scoped"]:
    if not isinstance(ip, str):
        return "scoped" if isinstance(ip, IPv6) and ip.scope_id else ip
    if "%" in ip:
        return "scoped"
    try:
        return ipaddress.ip_address(ip)
    except ValueError:
        return "malformed"


def _classes(ip: str | Address) -> set[str]:
    """Every class that holds for the address: its own and those of the IPv4 addresses it carries."""
    address = _parse(ip)
    if isinstance(address, str):
        return {address}
    number = int(address)
    own, carried = (_class_v4, ()) if isinstance(address, IPv4) else (_class_v6, _carried(number))
    return {name for name in (own(number), *map(_class_v4, carried)) if name}


def _worst(classes: set[str]) -> str | None:
    return min(classes, key=CLASSES.index, default=None)


def classify(ip: str | Address) -> str | None:
    """The class of an address (one of `CLASSES`, the worst that holds), or None if it is globally reachable unicast.

    An IPv6 that carries an IPv4 is judged by both. A zone id is `scoped`; what is no address at all is `malformed`.
    """
    return _worst(_classes(ip))


def refusal(ip: str | Address, policy: AddressPolicy) -> str | None:
    """The class for which the policy refuses this address, or None if it may be connected to."""
    return _worst({name for name in _classes(ip) if not policy.allows(name)})


# --- the text of a URL ----------------------------------------------------------------------------------------------

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MIN_HIGH_PORT, _MAX_PORT = 1024, 65535
_KEPT_IN_PATH = "!$&'()*+,;=:@/?%-._~[]|"  # what stands there already, and % of escapes, is left as it is


def _malformed(detail: str) -> ForbiddenUrl:
    return ForbiddenUrl("malformed_url", detail)


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL:
        raise _malformed(f"longer than {MAX_URL} characters")
    # Parsers disagree on what these mean, and that is how one host is vetted and another one called.
    if any(char == "\\" or char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in url):
        raise _malformed("whitespace, control characters and backslashes must be percent-encoded")


def _check_scheme(scheme: str, policy: AddressPolicy) -> str:
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise _malformed("the scheme must be https")
    if scheme == "http" and not policy.allow_private:
        raise ForbiddenUrl("plain_http", "use https")
    return scheme


def _check_port(text: str | None, scheme: str, policy: AddressPolicy) -> int:
    port = int(text) if text else _DEFAULT_PORTS[scheme]
    plain = port == _DEFAULT_PORTS["http"] and policy.allow_private
    if port == _DEFAULT_PORTS["https"] or plain or _MIN_HIGH_PORT <= port <= _MAX_PORT:
        return port
    raise ForbiddenUrl("blocked_port", f"use 443 or {_MIN_HIGH_PORT}-{_MAX_PORT}")


def _to_ascii(host: str) -> str:
    """The host as DNS sees it: NFKC, lower case, IDNA. A name that IDNA would silently turn into another (ß, joiners)
    is refused, because then the name shown and the name called are two.
    """
    host = unicodedata.normalize("NFKC", host).lower()
    if host.isascii():
        return host
    try:
        encoded = host.encode("idna")
        same = unicodedata.normalize("NFKC", encoded.decode("idna")) == host.replace("。", ".")
    except UnicodeError:
        raise _malformed("the host is no valid international name") from None
    if not same:
        raise _malformed("the host has characters that change on the wire: write its xn-- form")
    return encoded.decode("ascii").lower()


def _bracketed(inside: str) -> str:
    """The IPv6 literal in its normal form; a mapped IPv4 becomes that IPv4."""
    if "%" in inside:
        raise _malformed("an address may have no zone id")
    try:
        return normal(str(IPv6(inside)))
    except ValueError:
        raise _malformed("no IPv6 address in the brackets") from None


def _named_or_numeric(host: str) -> str:
    """The host in its one normal form; every spelling that `inet_aton` takes for an IPv4 becomes that IPv4."""
    host = _to_ascii(host)
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise _malformed("the host is missing or no valid name")
    if not _NUMBER.fullmatch(labels[-1]):
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        raise _malformed("the host ends in a number and is no IPv4 address") from None


def is_localhost(host: str) -> bool:
    """Whether the name means this machine without asking anyone (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def _literal(host: str) -> Address | None:
    parsed = _parse(host)
    return None if isinstance(parsed, str) else parsed


def _check_host(host: str, policy: AddressPolicy) -> str:
    host = _bracketed(host[1:-1]) if host.startswith("[") else _named_or_numeric(host)
    if is_localhost(host):
        refused = None if policy.allow_loopback else "loopback"
    else:
        literal = _literal(host)
        refused = refusal(literal, policy) if literal else None
    if refused:
        raise ForbiddenUrl("blocked_address", refused)
    return host


@lru_cache(maxsize=1024)  # pure; the dispatcher checks the same few URLs again and again
def check_url(url: str, policy: AddressPolicy) -> Target:
    """Vet a URL by its text alone, without DNS.

    https, or http where the policy opens it; at most `MAX_URL` characters; no credentials, whitespace, control
    characters or backslashes; a host whose every numeric spelling is recognised; port 443 or 1024-65535, and 80 where
    plain http is open. A fragment is dropped, since it is never sent. Raises ForbiddenUrl.
    """
    _check_characters(url)
    parts = _URL.match(url)
    if not parts:
        raise _malformed("not an absolute URL")
    scheme = _check_scheme(parts["scheme"], policy)
    if "@" in parts["authority"]:
        raise _malformed("credentials belong into a header")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if not authority or not authority["host"]:
        raise _malformed("the host is missing or no valid name")
    host = _check_host(authority["host"], policy)
    port = _check_port(authority["port"], scheme, policy)
    shown = f"[{host}]" if ":" in host else host
    shown += "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    rest = quote(parts["path"] or "/", safe=_KEPT_IN_PATH) + quote(parts["query"] or "", safe=_KEPT_IN_PATH)
    return Target(scheme, host, port, f"{scheme}://{shown}{rest}")


# --- names to addresses ---------------------------------------------------------------------------------------------

_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


def _look_up(target: Target, resolver: Resolver, future: "Future[list[str]]") -> None:
    try:
        rows = resolver(target.host, target.port, type=socket.SOCK_STREAM)
        future.set_result([str(row[4][0]) for row in rows])
    except Exception as error:  # noqa: BLE001 - whatever one host provokes must not end the batch it is in
        future.set_exception(Unresolvable(f"{target.host} does not resolve: {type(error).__name__}"))
    finally:
        _lookups.release()


def start_lookup(target: Target, resolver: Resolver = socket.getaddrinfo) -> "Future[list[str]]":
    """Begin resolving the target's host; the future gives its raw, unvetted addresses or raises Unresolvable.

    Literals and localhost need no resolver and are ready at once. Every other lookup has a daemon thread of its own,
    which a caller can leave behind: one that hangs holds neither the caller's deadline nor the end of the process.
    """
    future: Future[list[str]] = Future()
    if is_localhost(target.host):
        future.set_result(["127.0.0.1", "::1"])
    elif _literal(target.host):
        future.set_result([target.host])
    elif not _lookups.acquire(blocking=False):
        future.set_exception(Unresolvable("too many lookups are under way"))
    else:
        threading.Thread(target=_look_up, args=(target, resolver, future), daemon=True, name="lookup").start()
    return future


def vet_answers(answers: Iterable[str], policy: AddressPolicy) -> list[str]:
    """The addresses in normal form, IPv4 first, each once, mapped IPv4 as IPv4.

    Raises ForbiddenUrl if any one is refused: a name that points at both is somebody's trick. Raises Unresolvable if
    there is none.
    """
    vetted: dict[str, None] = {}
    for answer in answers:
        refused = refusal(answer, policy)
        if refused:
            raise ForbiddenUrl("blocked_address", refused)
        vetted[normal(answer)] = None
    if not vetted:
        raise Unresolvable("the host has no address")
    return sorted(vetted, key=lambda ip: ":" in ip)  # stable: the resolver's order stays within a family


@lru_cache(maxsize=1024)
def normal(ip: str) -> str:
    """The one spelling of an address by which two can be compared; a mapped IPv4 is that IPv4."""
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, IPv6) else None
    return str(mapped or address)


def resolve(
    target: Target, policy: AddressPolicy, *, timeout: float, resolver: Resolver = socket.getaddrinfo
) -> list[str]:
    """The vetted addresses of a target, IPv4 first, within `timeout` seconds.

    Raises ForbiddenUrl (`blocked_address: <class>`) if any answer is refused, Unresolvable if there is no answer in
    time.
    """
    try:
        answers = start_lookup(target, resolver).result(timeout)
    except TimeoutError:
        raise Unresolvable(f"{target.host} did not resolve in {timeout:g} s") from None
    return vet_answers(answers, policy)


def vet(url: str, policy: AddressPolicy, timeout: float = 2.0, resolver: Resolver = socket.getaddrinfo) -> None:
    """Refuse, with ForbiddenUrl, a URL that may not be stored: by its text or by what its host resolves to now.

    A host that does not resolve within `timeout` seconds passes; it fails at delivery as `dns` (contract, webhooks).
    """
    target = check_url(url, policy)
    try:
        resolve(target, policy, timeout=timeout, resolver=resolver)
    except Unresolvable:
        return
