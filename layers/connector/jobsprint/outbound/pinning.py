"""Host names resolved to checked addresses, and the pins that hold a connection to them.

`check_destination` is what a service calls before it stores a URL of a tenant. `outbound.client` resolves with
`start_lookup` and `check_addresses` before each request, and connects through a `Pin`, so a name that changes its
addresses between check and connection leads nowhere else.
"""

import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Any

from jobsprint.outbound.address_policy import (
    AddressPolicy,
    ForbiddenUrl,
    Target,
    check_url,
    is_localhost,
    refused_class,
)
from jobsprint.outbound.ip_ranges import canonical_ip, parse_address

MAX_LOOKUPS = 256
"""Lookups of this process that may be under way; the system resolver cannot be interrupted, only abandoned."""

MAX_PINNED = 16
"""Addresses of one host that are tried."""

CHECK_SECONDS = 2.0
"""The time that `check_destination` gives the name servers."""

_MAX_KNOWN_HOSTS = 1024

Resolver = Callable[..., Iterable[Sequence[Any]]]
"""A function like `socket.getaddrinfo`: `(host, port, type=…)` in, its tuples out, OSError if it fails."""


class Unresolvable(OSError):
    """A host that has no address, or none that was found in time."""


def system_resolver(host: str, port: int, **options: Any) -> Iterable[Sequence[Any]]:
    """Resolve with the operating system's resolver: the default wherever a `resolver` may be given."""
    return socket.getaddrinfo(host, port, **options)


def check_destination(
    url: str, policy: AddressPolicy, *, timeout: float = CHECK_SECONDS, resolver: Resolver | None = None
) -> None:
    """Check a URL that is to be stored, by its text and by what its host resolves to now. Raises ForbiddenUrl.

    A host that does not resolve within `timeout` seconds passes: its deliveries fail as `dns`.
    """
    target = check_url(url, policy)
    try:
        resolve(target, policy, timeout=timeout, resolver=resolver)
    except Unresolvable:
        return


def resolve(target: Target, policy: AddressPolicy, *, timeout: float, resolver: Resolver | None = None) -> list[str]:
    """The allowed addresses of a target, IPv4 first, within `timeout` seconds.

    Raises ForbiddenUrl (`blocked_address: <class>`) if any address is refused, Unresolvable if there is none in time.
    """
    try:
        addresses = start_lookup(target, resolver).result(timeout)
    except TimeoutError:
        raise Unresolvable(f"{target.host} did not resolve in {timeout:g} s") from None
    return check_addresses(addresses, policy)


_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


def start_lookup(target: Target, resolver: Resolver | None = None) -> "Future[list[str]]":
    """Begin to resolve the target's host; the future gives its unchecked addresses or raises Unresolvable.

    Literals and localhost need no resolver and are ready at once. Every other lookup has a daemon thread of its own,
    which a caller can abandon: one that hangs delays neither the caller's deadline nor the end of the process.
    """
    future: Future[list[str]] = Future()
    if is_localhost(target.host):
        future.set_result(["127.0.0.1", "::1"])
    elif parse_address(target.host):
        future.set_result([target.host])
    elif not _lookups.acquire(blocking=False):
        future.set_exception(Unresolvable("too many lookups are under way"))
    else:
        arguments = (target, resolver or system_resolver, future)
        threading.Thread(target=_look_up, args=arguments, daemon=True, name="lookup").start()
    return future


def _look_up(target: Target, resolver: Resolver, future: "Future[list[str]]") -> None:
    try:
        rows = resolver(target.host, target.port, type=socket.SOCK_STREAM)
        future.set_result([str(row[4][0]) for row in rows])
    except Exception as error:  # noqa: BLE001 - no error that one host causes may end the batch it is in
        future.set_exception(Unresolvable(_why(target.host, error)))
    finally:
        _lookups.release()


def _why(host: str, error: Exception) -> str:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return f"the name servers did not answer for {host}"
    return f"{host} does not resolve to an address"


def check_addresses(addresses: Iterable[str], policy: AddressPolicy) -> list[str]:
    """The addresses in canonical form, IPv4 first, each once, mapped IPv4 as IPv4.

    Raises ForbiddenUrl if any one is refused, because a name with public and private addresses is an attack or a
    mistake. Raises Unresolvable if there is none.
    """
    allowed: dict[str, None] = {}
    for address in addresses:
        if refused := refused_class(address, policy):
            raise ForbiddenUrl("blocked_address", refused)
        allowed[canonical_ip(address)] = None
    if not allowed:
        raise Unresolvable("the host has no address")
    return sorted(allowed, key=lambda ip: ":" in ip)  # stable: the resolver's order stays within a family


_pin_numbers = count(1)


class Pin:
    """A made-up name that libcurl connects to in place of the host; `peers` are the addresses it was connected to."""

    __slots__ = ("name", "peers")

    def __init__(self) -> None:
        self.name = f"p{next(_pin_numbers)}.pin.invalid"  # RFC 6761: never in DNS
        self.peers: set[str] = set()

    def connect_to(self, port: int) -> str:
        """The entry of CURLOPT_CONNECT_TO that sends a transfer to this name, whatever its URL's host."""
        return f"::{self.name}:{port}"

    def resolve_entry(self, port: int, addresses: Sequence[str]) -> str:
        """The entry of CURLOPT_RESOLVE that says which addresses this name has."""
        return f"+{self.name}:{port}:{','.join(addresses[:MAX_PINNED])}"


class Pins:
    """The current pin of each host; bounded, the least recently used host goes first."""

    def __init__(self) -> None:
        self._pins: OrderedDict[tuple[str, str, int], Pin] = OrderedDict()

    def pin_for(self, target: Target, allowed: Sequence[str]) -> Pin:
        """The host's pin, or a new one without connections if the old one was connected to an address not in `allowed`.

        libcurl reuses kept-alive connections by name and not by address (tried with 8.23).
        """
        key = (target.scheme, target.host, target.port)
        pin = self._pins.pop(key, None)
        if pin is None or not pin.peers.issubset(allowed):
            pin = Pin()
        self._pins[key] = pin
        if len(self._pins) > _MAX_KNOWN_HOSTS:
            self._pins.popitem(last=False)
        return pin
