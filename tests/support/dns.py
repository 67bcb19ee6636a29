"""A real name server on 127.0.0.1 whose answers may change from one lookup to the next, and a resolver that asks it."""

import ipaddress
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_A, _AAAA, _IN = 1, 28, 1
_ANSWER, _AUTHORITATIVE, _NO_SUCH_NAME = 0x8000, 0x0400, 3
_SECONDS = 5.0


class NameServer:
    """Speaks DNS over UDP (RFC 1035). Each lookup of a name gets the next of its `answers`; the last one stays.

    `asked` counts the lookups of each name (a question for A and one for AAAA are one lookup).
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: defaultdict[str, int] = defaultdict(int)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                packet, peer = self._socket.recvfrom(512)
                if not packet:
                    return
                self._socket.sendto(self._reply(packet), peer)

    def _reply(self, packet: bytes) -> bytes:
        name, end = _name(packet, 12)
        (kind, _) = struct.unpack_from("!HH", packet, end)
        found = self._current(name, kind)
        flags = _ANSWER | _AUTHORITATIVE | (0 if found else _NO_SUCH_NAME)
        head = packet[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, _IN, 0, len(address.packed)) + address.packed for address in found
        )
        return head + packet[12 : end + 4] + records

    def _current(self, name: str, kind: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        waiting = self.answers.get(name, [[]])
        now = waiting[min(self.asked[name], len(waiting) - 1)]
        if kind == _AAAA:  # asked second
            self.asked[name] += 1
        wanted = 4 if kind == _A else 6
        return [address for address in map(ipaddress.ip_address, now) if address.version == wanted]

    def resolver(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        """As `socket.getaddrinfo`, but asking this server: first for A, then for AAAA."""
        found = [(socket.AF_INET, ip) for ip in self._ask(host, _A)]
        found += [(socket.AF_INET6, ip) for ip in self._ask(host, _AAAA)]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(family, socket.SOCK_STREAM, 6, "", (ip, port)) for family, ip in found]

    def _ask(self, host: str, kind: int) -> list[str]:
        question = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_SECONDS)
            asking.connect(self._socket.getsockname())
            asking.send(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack("!HH", kind, _IN))
            return _addresses(asking.recv(4096))

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as goodbye:
            goodbye.sendto(b"", self._socket.getsockname())
        self._thread.join(2)
        self._socket.close()


def _name(packet: bytes, at: int) -> tuple[str, int]:
    """The name at a position, and where it ends."""
    labels = []
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), at + 1


def _addresses(packet: bytes) -> list[str]:
    (count,) = struct.unpack_from("!H", packet, 6)
    _, end = _name(packet, 12)
    at, found = end + 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("!H", packet, at + 10)  # after the pointer to the name
        found.append(str(ipaddress.ip_address(packet[at + 12 : at + 12 + length])))
        at += 12 + length
    return found


@contextmanager
def name_server(**answers: list[list[str]]) -> Iterator[NameServer]:
    """A name server that knows these names (dots written as `_`) while the block runs."""
    server = NameServer()
    server.answers = {name.replace("_", "."): given for name, given in answers.items()}
    try:
        yield server
    finally:
        server.close()
