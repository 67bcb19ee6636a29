"""HTTP transfers over libcurl: one request within its time budget and size caps, connected to allowed addresses only.

Three independent safeguards keep a transfer from every other address:

1. libcurl never resolves: CONNECT_TO sends each transfer to a `Pin`, a made-up name that only RESOLVE knows.
2. OPENSOCKETFUNCTION refuses a socket to an address that is not allowed.
3. PREREQFUNCTION refuses to write a request to such an address, on kept-alive connections too.
"""

import re
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pycurl

from jobsprint.outbound import curl_errors
from jobsprint.outbound.address_policy import AddressPolicy, Target
from jobsprint.outbound.decoding import READABLE, Decoder, UndecodableBody
from jobsprint.outbound.ip_ranges import canonical_ip
from jobsprint.outbound.messages import Request, Response, TransferFailure, TransferResult
from jobsprint.outbound.pinning import Pin

MAX_HEADERS, MAX_HEADER_BYTES = 256, 32 * 1024
"""What is kept of a response head. libcurl itself gives up (`headers_too_large`) at 5,000 fields, 100 KB a field or
300 KB in all, interim responses included.
"""

IDLE_SECONDS = 25
"""A connection idle for longer is not used again: common receivers close theirs after 30 to 60 s."""

LIFETIME_SECONDS = 300
"""A connection older than this is not used again, so that receivers can move."""

POLL_SECONDS = 0.25
"""The longest single wait, in case libcurl names no socket to wait for."""

BODY_SECONDS = 2.0
"""How long after its head the body of a response is read where the head decides (`Request.head_decides`)."""

_KEPT_CONNECTIONS = 256  # libcurl counts those in use too
_MAX_IDLE_TRANSFERS = 100
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r\n]")  # RFC 9112, section 4
_SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True)
class Exchange:
    """A request on its way: where it goes, and its budget (`began` and `deadline` on the monotonic clock)."""

    request: Request
    target: Target
    began: float
    deadline: float
    dns_ms: int
    max_body: int


class Transfer:
    """One reusable libcurl handle, and what its callbacks learn about the exchange it is on.

    The constructor sets everything that never changes; `prepare` sets the rest. No callback may raise: libcurl would
    swallow the error.
    """

    exchange: Exchange

    def __init__(self, policy: AddressPolicy, user_agent: str, ca_file: str) -> None:
        self.curl = pycurl.Curl()
        self._set_fixed_options(policy, user_agent, ca_file)
        self._set_callbacks()
        self._sockets: list[socket.socket] = []

    def _set_fixed_options(self, policy: AddressPolicy, user_agent: str, ca_file: str) -> None:
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if policy.allow_private else 0)
        options = {
            pycurl.PROTOCOLS: schemes,
            pycurl.REDIR_PROTOCOLS: 0,
            pycurl.FOLLOWLOCATION: 0,
            pycurl.PROXY: "",  # an empty proxy, unlike none, also overrules the environment
            pycurl.NOPROXY: "*",
            pycurl.NETRC: pycurl.NETRC_IGNORED,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.PATH_AS_IS: 1,
            pycurl.SSL_VERIFYPEER: 1,
            pycurl.SSL_VERIFYHOST: 2,
            pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
            pycurl.CAINFO: ca_file,
            pycurl.USERAGENT: user_agent,
            pycurl.ACCEPT_ENCODING: READABLE,
            pycurl.HTTP_CONTENT_DECODING: 0,  # `outbound.decoding` does it
            pycurl.NOSIGNAL: 1,
            pycurl.NOPROGRESS: 1,
            pycurl.MAXAGE_CONN: IDLE_SECONDS,
            pycurl.MAXLIFETIME_CONN: LIFETIME_SECONDS,
        }
        for option, value in options.items():
            self.curl.setopt(option, value)
        self.curl.unsetopt(pycurl.CAPATH)  # trust one file, not what the build points at besides

    def _set_callbacks(self) -> None:
        self.curl.setopt(pycurl.RESOLVER_START_FUNCTION, self.refuse_to_resolve)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self.open_socket)
        self.curl.setopt(pycurl.PREREQFUNCTION, self.approve_request)
        self.curl.setopt(pycurl.HEADERFUNCTION, self.read_header)
        self.curl.setopt(pycurl.WRITEFUNCTION, self.read_body)

    def prepare(self, exchange: Exchange, pin: Pin, allowed: Sequence[str]) -> None:
        """Point the handle at an exchange; its budget is what is left until the deadline."""
        self.exchange, self._pin, self._allowed = exchange, pin, frozenset(allowed)
        self._status = 0
        self._truncated = self._refused = self._enough = self._invalid_status_line = self._undecodable = False
        self._head_at: float | None = None
        self._decoder = Decoder("")
        self._headers: dict[str, str] = {}
        self._header_room = [MAX_HEADERS, MAX_HEADER_BYTES]
        self._body = bytearray()
        self._times_ready = 0
        self._started = time.monotonic()
        request, port = exchange.request, exchange.target.port
        budget_ms = int((exchange.deadline - self._started) * 1000)
        self.curl.setopt(pycurl.URL, exchange.target.url)
        self.curl.setopt(pycurl.CONNECT_TO, [pin.connect_to(port)])
        self.curl.setopt(pycurl.RESOLVE, [pin.resolve_entry(port, allowed)])
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, budget_ms))  # 0 would be no limit
        self.curl.setopt(pycurl.FRESH_CONNECT, not request.may_repeat)
        self.curl.setopt(pycurl.FORBID_REUSE, not request.may_repeat)  # else they pile up in the pool
        self._set_method(request)
        self.curl.setopt(pycurl.HTTPHEADER, _header_lines(request))

    def _set_method(self, request: Request) -> None:
        self.curl.setopt(pycurl.NOBODY, 0)
        if request.body is not None:
            self.curl.setopt(pycurl.POST, 1)
            self.curl.setopt(pycurl.POSTFIELDS, request.body)
        elif request.method == "HEAD":
            self.curl.setopt(pycurl.NOBODY, 1)
        else:
            self.curl.setopt(pycurl.HTTPGET, 1)
        self.curl.setopt(pycurl.CUSTOMREQUEST, request.method)

    # --- libcurl's callbacks ----------------------------------------------------------------------------------------

    def refuse_to_resolve(self, *_: Any) -> int:
        """RESOLVER_START_FUNCTION: a pin needs no resolving, and nothing else may be resolved."""
        return 1

    def open_socket(self, _purpose: int, address: Any) -> Any:
        """OPENSOCKETFUNCTION: a socket for an allowed address, else SOCKET_BAD."""
        try:
            if canonical_ip(address.addr[0]) in self._allowed:
                # pycurl duplicates the descriptor; ours is closed when the transfer ends.
                opened = socket.socket(address.family, address.socktype, address.protocol)
                self._sockets.append(opened)
                return opened
            self._refused = True
        except (OSError, ValueError, TypeError):  # no descriptor left, or no internet address
            pass
        return pycurl.SOCKET_BAD

    def approve_request(self, peer: str, *_: Any) -> int:
        """PREREQFUNCTION: connected, TLS done, nothing written yet. Called for each try."""
        peer = canonical_ip(peer)
        if peer not in self._allowed:
            self._refused = True
            return int(pycurl.PREREQFUNC_ABORT)
        self._times_ready += 1
        if self._times_ready > 1 and not self.exchange.request.may_repeat:
            return int(pycurl.PREREQFUNC_ABORT)
        self._pin.peers.add(peer)
        return int(pycurl.PREREQFUNC_OK)

    def read_header(self, line: bytes) -> int:
        """HEADERFUNCTION: a status line, a field, the empty line behind them, or a trailer."""
        if self._head_done:
            return len(line)  # trailers
        if line.startswith(b"HTTP/"):
            status_line = _STATUS_LINE.match(line)
            self._status = int(status_line[1]) if status_line else 0
            self._headers.clear()  # those of an interim response
            if self._status in {0, _SWITCHING_PROTOCOLS}:  # no request asks for another protocol
                self._invalid_status_line = True
                return -1
        elif line in (b"\r\n", b"\n"):
            if self._status >= 200:  # other 1xx are interim
                self._head_at = time.monotonic()
                self._decoder = Decoder(self._headers.get("content-encoding", ""))
        else:
            self._keep_header(line)
        return len(line)

    def _keep_header(self, line: bytes) -> None:
        name, colon, value = line.decode("latin-1").partition(":")
        self._header_room[0] -= 1
        self._header_room[1] -= len(line)
        if not colon or min(self._header_room) < 0:
            return
        name, value = name.strip().lower(), value.strip()
        self._headers[name] = f"{self._headers[name]}, {value}" if name in self._headers else value

    def read_body(self, data: bytes) -> int:
        """WRITEFUNCTION: take what still fits. Not taking all of it makes libcurl stop, so memory is bounded."""
        room = self.exchange.max_body - len(self._body)
        try:
            decoded = self._decoder.decode(data, room + 1)
        except UndecodableBody:
            self._undecodable = True
            return -1
        taken = decoded[:room]
        self._body += taken
        enough = self.exchange.request.enough
        if enough is not None and 200 <= self._status < 300 and enough(taken):
            self._enough = True
            return -1
        self._truncated = len(decoded) > room
        return -1 if self._truncated else len(data)

    # --- the result -------------------------------------------------------------------------------------------------

    def result(self, code: int, message: str) -> TransferResult:
        """The result of the finished transfer; `code` 0 or libcurl's CURLE_ number and its message."""
        timings = self._timings()
        total = timings["total"]
        if self._refused:
            message = "the connection led to an address that was not checked"
            return TransferFailure("blocked_address", message, False, total, None, timings, "not_checked")
        whole = code == 0 and self._decoder.complete
        if self._head_done and (whole or self._truncated or self._enough):
            return Response(self._status, self._headers, bytes(self._body), self._truncated, total, timings)
        kind, detail, text = self._cause(code, message)
        if detail == "encoding" and self._status >= 200:
            # At a transfer coding that was not asked for, libcurl gives up before the head is over.
            self._head_at = self._head_at or time.monotonic()
        sent, status = self._times_ready > 0, self._status if self._head_done else None
        failure = TransferFailure(kind, text, sent, total, status, timings, detail)
        if self._head_decides:
            body = bytes(self._body)
            return Response(self._status, self._headers, body, False, total, timings, body_failure=failure.reason)
        return failure

    def _cause(self, code: int, message: str) -> tuple[str, str, str]:
        """The kind and detail of a failure, and a sentence for a person."""
        if self._undecodable or (code == 0 and self._head_done):
            return "protocol", "encoding", "the body is not in the coding that its head names, or in none that is read"
        invalid = self._invalid_status_line
        kind, detail = curl_errors.cause(self.curl, code, message, phase=self._phase(), invalid_status_line=invalid)
        return kind, detail, curl_errors.describe(self.curl, kind, message, invalid_status_line=invalid)

    @property
    def body_ends_at(self) -> float | None:
        """When (monotonic) reading ends although the response has not; None where it may use its whole budget."""
        return self._head_at + BODY_SECONDS if self._head_at is not None and self._head_decides else None

    def stopped(self) -> TransferResult:
        """The result of a transfer whose body has had its time."""
        return self.result(pycurl.E_OPERATION_TIMEDOUT, "")

    @property
    def _head_decides(self) -> bool:
        """Whether there is a head that counts without its body: an error needs none to be one."""
        return self._head_done and (self.exchange.request.head_decides or not 200 <= self._status < 300)

    @property
    def _head_done(self) -> bool:
        return self._head_at is not None

    def _phase(self) -> str:
        """Which of connect, tls, headers and body the transfer is in."""
        if self._times_ready == 0:
            return "tls" if self.curl.getinfo(pycurl.CONNECT_TIME_T) else "connect"
        return "body" if self._head_done else "headers"

    def _timings(self) -> dict[str, int]:
        connected, secured, ready, answered, total = (
            self.curl.getinfo(info) / 1000
            for info in (
                pycurl.CONNECT_TIME_T,
                pycurl.APPCONNECT_TIME_T,
                pycurl.PRETRANSFER_TIME_T,
                pycurl.STARTTRANSFER_TIME_T,
                pycurl.TOTAL_TIME_T,
            )
        )
        if not self._times_ready:  # the phase it is in has not ended
            connected, secured = (connected, total) if connected else (total, 0.0)
        elif not self._status:
            answered = total
        before_ms = (self._started - self.exchange.began) * 1000
        return {
            "dns": self.exchange.dns_ms,
            "connect": round(connected),
            "tls": round(max(0.0, secured - connected)),
            "first_byte": round(max(0.0, answered - ready)),
            "total": round(before_ms + total),
        }

    def reset(self) -> None:
        """Drop what belongs to the request, so that an idle handle holds no tenant's data."""
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()
        self._body, self._headers, self._decoder = bytearray(), {}, Decoder("")
        self.curl.unsetopt(pycurl.HTTPHEADER)
        self.curl.setopt(pycurl.POSTFIELDS, b"")
        del self.exchange


def _header_lines(request: Request) -> list[bytes]:
    """Header lines in libcurl's notation: `name;` sends an empty value, `name:` none at all."""
    lines = [
        f"{name}: {value.strip()}".encode() if value.strip() else f"{name};".encode()
        for name, value in request.headers.items()
    ]
    lines.append(b"Expect:")  # else bodies over 1 MB wait for a 100 Continue
    if "content-type" not in {name.lower() for name in request.headers}:
        lines.append(b"Content-Type:")  # else libcurl calls every body a form
    return lines


class TransferPool:
    """The transfers of one client, those in use and idle ones, and their kept-alive connections."""

    def __init__(self, policy: AddressPolicy, user_agent: str, ca_file: str) -> None:
        self._new_transfer_arguments = (policy, user_agent, ca_file)
        self._idle: list[Transfer] = []
        self._multi = self._new_multi()
        self._wake_end, self._wake_signal = socket.socketpair()
        self._wake_end.setblocking(False)
        self._wake_signal.setblocking(False)

    @staticmethod
    def _new_multi() -> Any:
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_MAXCONNECTS, _KEPT_CONNECTIONS)
        return multi

    def drop_connections(self) -> None:
        """Close every connection; no transfer may be in use."""
        self._multi.close()
        self._multi = self._new_multi()

    def close(self) -> None:
        """Close everything; the pool cannot be used afterwards."""
        self._idle.clear()
        self._multi.close()
        self._wake_end.close()
        self._wake_signal.close()

    def start(self, exchange: Exchange, pin: Pin, allowed: Sequence[str]) -> Transfer:
        """Start a transfer to the allowed addresses."""
        transfer = self._idle.pop() if self._idle else Transfer(*self._new_transfer_arguments)
        transfer.prepare(exchange, pin, allowed)
        self._multi.add_handle(transfer.curl)
        return transfer

    def finished(self) -> list[tuple[Any, int, str]]:
        """Let libcurl work; the handles that have ended since, each with its code and message."""
        self._multi.perform()
        ended: list[tuple[Any, int, str]] = []
        left = 1
        while left:
            left, good, bad = self._multi.info_read()
            ended += [(curl, 0, "") for curl in good]
            ended += bad
        return ended

    def release(self, transfer: Transfer) -> None:
        """Take an ended or abandoned transfer out and keep its handle for later."""
        self._multi.remove_handle(transfer.curl)
        transfer.reset()
        if len(self._idle) < _MAX_IDLE_TRANSFERS:
            self._idle.append(transfer)

    def wake(self, _lookup: object = None) -> None:
        """End the current `wait`; from any thread."""
        with suppress(OSError):  # full: it will wake anyway; closed: nothing waits
            self._wake_signal.send(b"\0")

    def wait(self, seconds: float) -> None:
        """Wait until a socket is ready, a timer of libcurl is due, `wake` is called or the seconds are over."""
        readable, writable, _ = self._multi.fdset()
        due = self._multi.timeout()
        milliseconds = min(seconds, POLL_SECONDS) * 1000
        poll = select.poll()
        poll.register(self._wake_end, select.POLLIN)
        for descriptor in {*readable, *writable}:
            reads, writes = descriptor in readable, descriptor in writable
            poll.register(descriptor, reads * select.POLLIN | writes * select.POLLOUT)
        poll.poll(max(0.0, min(milliseconds, due) if due >= 0 else milliseconds))
        with suppress(BlockingIOError):
            self._wake_end.recv(4096)
