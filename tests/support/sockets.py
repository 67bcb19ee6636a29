"""Scripted receivers on loopback that work on raw connections, and certificates for them."""

import datetime
import ipaddress
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Script = Callable[[socket.socket, bytes], None]


class Receiver:
    """Accepts connections on loopback and runs the script for each request read; counts both."""

    def __init__(self, script: Script, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None):
        self.script, self.tls = script, tls
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((address, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError):
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    self._open.append(connection)
                while request := read_request(connection):
                    self.requests.append(request)
                    self.script(connection, request)
        finally:
            # Beyond 1,024 descriptors in one process libcurl's fdset names no more of them, and every wait is a poll.
            connection.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(3)
        for connection in self._open:
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65536)
        if not block:
            return b""
        received += block
    head, body = received.split(b"\r\n\r\n", 1)
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def says(response: bytes) -> Script:
    return lambda connection, _: connection.sendall(response)


def says_and_closes(response: bytes) -> Script:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def resets(response: bytes = b"") -> Script:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response)
        time.sleep(0.05)  # a reset discards what was not read yet
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A shutdown would say goodbye first; closing the descriptor under the object is the reset.
        os.close(connection.detach())

    return script


def hangs(connection: socket.socket, _: bytes) -> None:
    with suppress(OSError):
        connection.recv(1)


def names(**table: list[str]) -> Callable[..., list[tuple[Any, ...]]]:
    """A resolver that knows these hosts (dots written as `_`)."""

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        if host.replace(".", "_") not in table:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in table[host.replace(".", "_")]]

    return resolver


def _key_and_name(common_name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Name]:
    return ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


DAYS_OF_TODAY = (-1, 1)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: tuple[int, int] = DAYS_OF_TODAY
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    first, last = (now + datetime.timedelta(days=day) for day in days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


class Authority:
    """A CA of the test's own: its bundle, and server contexts with certificates it signed."""

    def __init__(self, folder: Path, name: str = "test CA") -> None:
        self._folder = folder
        self._key, self._name = _key_and_name(name)
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = folder / "ca.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str, *addresses: str, days: tuple[int, int] = DAYS_OF_TODAY) -> ssl.SSLContext:
        """A server's context for that name and those addresses; `days` from now on which the certificate is valid."""
        key, subject = _key_and_name(host)
        alternatives = [x509.DNSName(host), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in addresses)]
        certificate = (
            _builder(subject, self._name, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
