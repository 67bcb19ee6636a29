"""The one HTTP door to addresses that tenants gave: nothing else in the code base opens a connection to them.

In: requests, a deadline, a cap. Out: for each a `Response`, or a `TransferFailure` that says what went wrong and whether
the receiver may have seen the request. Every send resolves and vets anew (`outbound.address_policy`), and libcurl
connects
only to what was vetted. Three walls, each enough by itself:

1. libcurl never resolves: CONNECT_TO sends each transfer to a made-up name (a *pin*) that only RESOLVE knows.
2. OPENSOCKETFUNCTION refuses a socket to an address outside the vetted set.
3. PREREQFUNCTION refuses to write a request to such an address, on kept-alive connections too. libcurl reuses those by
   name and not by address (tried with 8.23), so a pin changes as soon as DNS stops naming an address it was used with.
"""

import errno
import os
import re
import select
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pycurl

from jobsprint.outbound.address_policy import (
    AddressPolicy,
    ForbiddenUrl,
    Resolver,
    Target,
    Unresolvable,
    check_url,
    normal,
    start_lookup,
    vet_answers,
)

MAX_IN_FLIGHT = 100
"""Requests of one batch under way together; more wait their turn, and their budget starts with it."""

MAX_HEADERS, MAX_HEADER_BYTES = 256, 32 * 1024
"""What is kept of a response head. libcurl itself gives up (`headers_too_large`) at 5,000 fields, 100 KB a field or
300 KB in all, interim responses included.
"""

MAX_PINNED = 16
"""Addresses of one host that are tried."""

IDLE_SECONDS = 25
"""A connection idle for longer is not used again: common receivers close theirs after 30 to 60 s."""

LIFETIME_SECONDS = 300
"""A connection older than this is not used again, so that receivers can move."""

_KEPT_CONNECTIONS = 256  # libcurl counts those in use too
_KNOWN_HOSTS = 1024
_POLL_SECONDS = 0.25  # the longest wait without looking around, should libcurl name no socket to wait for
_CA_FILES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")

KINDS = frozenset(
    {
        "dns",
        "blocked_address",
        "blocked_port",
        "plain_http",
        "malformed_url",
        "connect",
        "tls",
        "timeout_connect",
        "timeout_tls",
        "timeout_headers",
        "timeout_body",
        "headers_too_large",
        "reset",
        "protocol",
    }
)
"""Every `TransferFailure.kind`."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r\n]")  # RFC 9112, section 4
_SWITCHING_PROTOCOLS = 101
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# What frames a message or names its receiver is the client's business: anything else could smuggle a second request.
_FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    """One request to send.

    `body` None sends none. `repeatable` says that the receiver knows a repeat (a `webhook-id`, an upsert); GET, HEAD
    and OPTIONS always are. Such a request goes over a kept-alive connection, and once more over another should that one
    be dead without a word of answer: libcurl does so by itself, and it looks for closed connections only once a second
    (8.23). All others get a connection of their own and are never sent twice; `once` asks that of a GET too, where the
    receiver may act on it.
    `enough` is shown each piece of a 2xx body as it comes (decompressed, within `max_body`); once it gives True the
    rest is not waited for and the connection is closed: for streams that nobody ends. It must not raise.
    Raises ValueError for a method or header that is no HTTP, and for headers that frame the message.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    enough: Callable[[bytes], bool] | None = None
    once: bool = False

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise ValueError("the method is no HTTP token")
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError("a header name is no HTTP token")
            if name.lower() in _FRAMING:
                raise ValueError(f"the header {name} is set by the client itself")
            if _CONTROL.search(value):
                raise ValueError(f"the header {name} has control characters")

    @property
    def may_repeat(self) -> bool:
        """Whether it does no harm if the receiver sees this request twice."""
        return not self.once and (self.repeatable or self.method in _SAFE_METHODS)


@dataclass(frozen=True)
class Response:
    """A response with any status, 3xx too (never followed).

    `headers` have lower-case names; repeated ones are joined with `, `; octets beyond ASCII are read as Latin-1.
    `body` is decompressed, at most `max_body` bytes; `truncated` says that there was more, and is False where the
    request's `enough` ended the reading. `timings`, in ms each:
    `dns`, `connect`, `tls` (0 on a kept connection), `first_byte` (from request to answer), `total`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    duration_ms: int
    timings: dict[str, int]


@dataclass(frozen=True)
class TransferFailure:
    """No usable response.

    `kind`, one of `KINDS`: `dns`; `blocked_address`, `blocked_port`, `plain_http`, `malformed_url` (the vetting refused
    it); `connect` (refused or unreachable) and `timeout_connect`; `tls` and `timeout_tls`; `timeout_headers` (no
    complete response head in time); `timeout_body`; `headers_too_large`; `reset` (closed or reset before the response
    was complete); `protocol` (no valid HTTP). `detail` says which where a kind has several: the class of a blocked
    address, `unreachable`, `certificate_expired` and the like, `chunking`, `status_line`. `sent` is False only if the
    other side cannot have seen the request. `status` is that of a head which did arrive. `message` is for a person and
    names neither path, headers nor body. `timings` as in `Response`; the phase that did not end has the time it took.
    """

    kind: str
    message: str
    sent: bool
    duration_ms: int
    status: int | None = None
    timings: dict[str, int] = field(default_factory=dict)
    detail: str = ""

    @property
    def reason(self) -> str:
        """The kind, and after a colon its detail: `blocked_address: link_local`."""
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


TransferResult = Response | TransferFailure
OnDone = Callable[[int, TransferResult], None]

# --- pins -----------------------------------------------------------------------------------------------------------

_pin_numbers = count(1)


class _Pin:
    """A made-up name that libcurl connects to in place of the host, and the addresses it was connected to."""

    __slots__ = ("name", "peers")

    def __init__(self) -> None:
        self.name = f"p{next(_pin_numbers)}.pin.invalid"  # RFC 6761: never in DNS
        self.peers: set[str] = set()


class _Pins:
    """The current pin of each host; bounded, the least recently used host goes first."""

    def __init__(self) -> None:
        self._pins: OrderedDict[tuple[str, str, int], _Pin] = OrderedDict()

    def pin(self, target: Target, vetted: Sequence[str]) -> _Pin:
        """The host's pin, or a new one, with no connections, if the old one's may lead to an address not vetted now."""
        key = (target.scheme, target.host, target.port)
        pin = self._pins.pop(key, None)
        if pin is None or not pin.peers.issubset(vetted):
            pin = _Pin()
        self._pins[key] = pin
        if len(self._pins) > _KNOWN_HOSTS:
            self._pins.popitem(last=False)
        return pin


# --- one transfer ---------------------------------------------------------------------------------------------------

_SSL_CODES = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)
_RESET_CODES = frozenset(
    {
        pycurl.E_SEND_ERROR,
        pycurl.E_RECV_ERROR,
        pycurl.E_GOT_NOTHING,
        pycurl.E_PARTIAL_FILE,
        pycurl.E_ABORTED_BY_CALLBACK,
    }
)
_MESSAGES = {
    "dns": "the host has no address",
    "connect": "no connection could be made",
    "timeout_connect": "no connection could be made in time",
    "timeout_tls": "the TLS handshake did not end in time",
    "timeout_headers": "no complete response head in time",
    "timeout_body": "the response body did not end in time",
    "headers_too_large": "the response head is longer than what is read of one",
    "reset": "the connection ended before the response was complete",
}
_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
# What OpenSSL says of a chain (X509_V_ERR_*). 1 is "unspecified": then libcurl itself found the name wrong.
_CERTIFICATE_DETAILS = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    **dict.fromkeys((2, 7, 18, 19, 20, 21, 24), "certificate_untrusted"),
}
_E_WEIRD_SERVER_REPLY, _E_TOO_LARGE = 8, 100  # pycurl has no names for these
_PROTOCOL_DETAILS = {
    pycurl.E_UNSUPPORTED_PROTOCOL: "status_line",
    pycurl.E_BAD_CONTENT_ENCODING: "encoding",
    _E_WEIRD_SERVER_REPLY: "header",
}
_MAX_MESSAGE = 200


@dataclass
class _Job:
    """A request on its way: what it is, when its budget began and ends, and the lookup it waits for."""

    index: int
    request: Request
    target: Target
    began: float
    deadline: float
    lookup: "Future[list[str]]"
    dns_ms: int = 0

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)

    def failed(self, kind: str, message: str, detail: str = "") -> TransferFailure:
        """A failure before anything was connected."""
        elapsed = self.elapsed_ms()
        dns = self.dns_ms or (elapsed if kind == "dns" else 0)
        timings = {"dns": dns, "total": elapsed}
        return TransferFailure(kind, message, sent=False, duration_ms=elapsed, timings=timings, detail=detail)


class _Transfer:
    """One reusable libcurl handle, and what its callbacks learn about the request it is on.

    Made once with everything that never changes; `prepare` sets the rest. No callback may raise: libcurl has nobody to
    hand the error to.
    """

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
            pycurl.ACCEPT_ENCODING: "gzip, deflate",
            pycurl.NOSIGNAL: 1,
            pycurl.NOPROGRESS: 1,
            pycurl.MAXAGE_CONN: IDLE_SECONDS,
            pycurl.MAXLIFETIME_CONN: LIFETIME_SECONDS,
        }
        for option, value in options.items():
            self.curl.setopt(option, value)
        self.curl.unsetopt(pycurl.CAPATH)  # trust one file, not what the build points at besides

    def _set_callbacks(self) -> None:
        self.curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._on_open)
        self.curl.setopt(pycurl.PREREQFUNCTION, self._on_ready)
        self.curl.setopt(pycurl.RESOLVER_START_FUNCTION, self._on_resolve)

    def prepare(self, job: _Job, pin: _Pin, vetted: Sequence[str], max_body: int) -> None:
        """Point the handle at a job; its budget is what is left until the job's deadline."""
        self.job, self._pin, self._vetted, self._max_body = job, pin, frozenset(vetted), max_body
        self._status = 0
        self._head_done = self._truncated = self._refused = self._satisfied = self._misspoken = False
        self._headers: dict[str, str] = {}
        self._header_room = [MAX_HEADERS, MAX_HEADER_BYTES]
        self._body = bytearray()
        self._times_ready = 0
        self._launched = time.monotonic()
        port = job.target.port
        self.curl.setopt(pycurl.URL, job.target.url)
        self.curl.setopt(pycurl.CONNECT_TO, [f"::{pin.name}:{port}"])
        self.curl.setopt(pycurl.RESOLVE, [f"+{pin.name}:{port}:{','.join(vetted[:MAX_PINNED])}"])
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, int((job.deadline - self._launched) * 1000)))  # 0 would be for ever
        self.curl.setopt(pycurl.FRESH_CONNECT, not job.request.may_repeat)
        self.curl.setopt(pycurl.FORBID_REUSE, not job.request.may_repeat)  # else they pile up in the pool
        self._set_method(job.request)
        self.curl.setopt(pycurl.HTTPHEADER, _header_lines(job.request))

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

    # What libcurl asks and tells.

    def _on_resolve(self, *_: Any) -> int:
        return 1  # a pin is always known; whatever else libcurl wants to resolve, it shall not

    def _on_open(self, _purpose: int, address: Any) -> Any:
        try:
            if normal(address.addr[0]) in self._vetted:
                # pycurl duplicates the descriptor; ours is closed when the transfer ends.
                opened = socket.socket(address.family, address.socktype, address.protocol)
                self._sockets.append(opened)
                return opened
            self._refused = True
        except (OSError, ValueError, TypeError):  # no descriptor left, or no internet address
            pass
        return pycurl.SOCKET_BAD

    def _on_ready(self, peer: str, *_: Any) -> int:
        """Connected, TLS done, nothing written yet: the last moment to refuse. Called for each try."""
        peer = normal(peer)
        if peer not in self._vetted:
            self._refused = True
            return int(pycurl.PREREQFUNC_ABORT)
        self._times_ready += 1
        if self._times_ready > 1 and not self.job.request.may_repeat:
            return int(pycurl.PREREQFUNC_ABORT)
        self._pin.peers.add(peer)
        return int(pycurl.PREREQFUNC_OK)

    def _on_header(self, line: bytes) -> int:
        if self._head_done:
            return len(line)  # trailers
        if line.startswith(b"HTTP/"):
            said = _STATUS_LINE.match(line)
            self._status = int(said[1]) if said else 0
            self._headers.clear()  # those of an interim response
            if self._status in {0, _SWITCHING_PROTOCOLS}:  # nobody asked for another protocol
                self._misspoken = True
                return -1
        elif line in (b"\r\n", b"\n"):
            self._head_done = self._status >= 200  # other 1xx are interim
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

    def _on_body(self, data: bytes) -> int:
        """Takes what still fits; less than all of it makes libcurl stop, so nobody's size is our memory."""
        taken = data[: self._max_body - len(self._body)]
        self._body += taken
        enough = self.job.request.enough
        if enough is not None and 200 <= self._status < 300 and enough(taken):
            self._satisfied = True
            return -1
        self._truncated = len(taken) < len(data)
        return len(taken)

    # What came of it.

    def outcome(self, code: int, message: str) -> TransferResult:
        """The result of the finished transfer; `code` 0 or libcurl's CURLE_ number and its words for it."""
        timings = self._timings()
        if self._refused:
            message, total = "the connection led elsewhere", timings["total"]
            return TransferFailure("blocked_address", message, False, total, None, timings, "not_vetted")
        if self._head_done and (code == 0 or self._truncated or self._satisfied):
            body = bytes(self._body)
            return Response(self._status, self._headers, body, self._truncated, timings["total"], timings)
        kind, detail = self._cause(code, message)
        status = self._status if self._head_done else None
        words = self._describe(kind, message)
        return TransferFailure(kind, words, self._times_ready > 0, timings["total"], status, timings, detail)

    def _cause(self, code: int, message: str) -> tuple[str, str]:
        """The failure's kind and detail."""
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return f"timeout_{self._phase()}", ""
        if code == pycurl.E_COULDNT_CONNECT:
            return "connect", "unreachable" if self.curl.getinfo(pycurl.OS_ERRNO) in _UNREACHABLE else ""
        if code in _SSL_CODES:
            return "tls", self._tls_detail(code, message)
        return self._misbehaviour(code, message)

    def _misbehaviour(self, code: int, message: str) -> tuple[str, str]:
        # The head's size as a whole has the code of a failed read, and so have bad chunks.
        if code == _E_TOO_LARGE or "response headers" in message:
            return "headers_too_large", ""
        if "chunk" in message:
            return "protocol", "chunking"
        if self._misspoken:
            return "protocol", "status_line"
        if code == 0 or code in _RESET_CODES:  # 0: it ended within the head
            return ("reset", "") if self._times_ready else (self._phase(), "closed")
        return "protocol", _PROTOCOL_DETAILS.get(code, "")

    def _phase(self) -> str:
        """Which of connect, tls, headers and body the transfer is in."""
        if self._times_ready == 0:
            return "tls" if self.curl.getinfo(pycurl.CONNECT_TIME_T) else "connect"
        return "body" if self._head_done else "headers"

    def _tls_detail(self, code: int, message: str) -> str:
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            found = self.curl.getinfo(pycurl.SSL_VERIFYRESULT)
            return _CERTIFICATE_DETAILS.get(found, "certificate_name" if "subject name" in message else "certificate")
        if "wrong version number" in message or "packet length too long" in message:
            return "not_tls"
        return "closed" if "reset by peer" in message or "unexpected eof" in message else "handshake"

    def _describe(self, kind: str, message: str) -> str:
        if self._misspoken:
            return "the status line is none of HTTP/1.1, or switches to another protocol"
        words = _MESSAGES.get(kind) or "".join(char if char.isprintable() else "?" for char in message[:_MAX_MESSAGE])
        number = self.curl.getinfo(pycurl.OS_ERRNO) if kind == "connect" else 0
        return f"{words}: {os.strerror(number)}" if number else words

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
        before = (self._launched - self.job.began) * 1000
        return {
            "dns": self.job.dns_ms,
            "connect": round(connected),
            "tls": round(max(0.0, secured - connected)),
            "first_byte": round(max(0.0, answered - ready)),
            "total": round(before + total),
        }

    def _close_sockets(self) -> None:
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()

    def forget(self) -> None:
        """Drop what belongs to the request, so that an idle handle holds no tenant's data."""
        self._close_sockets()
        self._body, self._headers = bytearray(), {}
        self.curl.unsetopt(pycurl.HTTPHEADER)
        self.curl.setopt(pycurl.POSTFIELDS, b"")
        del self.job


def _header_lines(request: Request) -> list[bytes]:
    """libcurl's own spelling: `name;` sends an empty value, `name:` none at all."""
    lines = [
        f"{name}: {value.strip()}".encode() if value.strip() else f"{name};".encode()
        for name, value in request.headers.items()
    ]
    lines.append(b"Expect:")  # else bodies over 1 MB wait for a 100 Continue
    if "content-type" not in {name.lower() for name in request.headers}:
        lines.append(b"Content-Type:")  # else libcurl calls every body a form
    return lines


# --- the client -----------------------------------------------------------------------------------------------------


def _ca_file(given: str | None) -> str:
    """The CA bundle: the given one, else certifi's if installed, else the system's. FileNotFoundError without any."""
    if given:
        if not Path(given).is_file():
            raise FileNotFoundError(f"no CA bundle at {given}")
        return given
    with suppress(ImportError):
        import certifi

        return certifi.where()
    found = next((path for path in _CA_FILES if Path(path).is_file()), None)
    if not found:
        raise FileNotFoundError("no CA bundle: install certifi or name one")
    return found


class Client:
    """Sends requests to vetted addresses and keeps connections alive between calls: one per container.

    For one thread at a time: a call during another, from `on_done` too, raises RuntimeError. `ca_file` is a PEM bundle
    (`SSL_CERT_FILE`, where the configuration has it); without one certifi's is used, then the system's.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        user_agent: str,
        resolver: Resolver = socket.getaddrinfo,
        ca_file: str | None = None,
    ) -> None:
        if _CONTROL.search(user_agent):
            raise ValueError("the user agent has control characters")
        self.policy = policy
        self.resolver = resolver
        self._user_agent = user_agent
        self._ca_file = _ca_file(ca_file)
        self._pins = _Pins()
        self._idle: list[_Transfer] = []
        self._busy = False
        self._last_used = time.time()
        self._multi = self._new_multi()
        self._wake_end, self._bell = socket.socketpair()
        self._wake_end.setblocking(False)
        self._bell.setblocking(False)

    @staticmethod
    def _new_multi() -> Any:
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_MAXCONNECTS, _KEPT_CONNECTIONS)
        return multi

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._idle.clear()
        self._multi.close()
        self._wake_end.close()
        self._bell.close()

    def send(self, request: Request, *, timeout: float, max_body: int) -> TransferResult:
        """Send one request; see `send_all`."""
        outcomes: dict[int, TransferResult] = {}
        self.send_all([request], timeout=timeout, max_body=max_body, on_done=outcomes.__setitem__)
        return outcomes[0]

    def send_all(self, requests: Sequence[Request], *, timeout: float, max_body: int, on_done: OnDone) -> None:
        """Send all at once and call `on_done(index, outcome)` as each finishes, in this thread.

        `timeout`: seconds for each request, over DNS, TCP, TLS, head and body. `max_body`: bytes of each response kept
        after decompression. The batch takes the time of its slowest. While `on_done` runs nothing is read, so it should
        be short; if it raises, the other requests still finish, then the first error is raised.
        """
        if timeout <= 0 or max_body < 0:
            raise ValueError("timeout must be positive and max_body not negative")
        with self._exclusively():
            _Batch(self, requests, timeout, max_body, on_done).run()

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        if self._busy:
            raise RuntimeError("the client is in use")
        self._busy = True
        try:
            # libcurl's clock may have stood still while the container was frozen, and the receivers' goodbyes with it.
            if abs(time.time() - self._last_used) > IDLE_SECONDS:
                self._multi.close()
                self._multi = self._new_multi()
            yield
        finally:
            self._last_used = time.time()
            self._busy = False

    # For the batch only.

    def launch(self, job: _Job, vetted: Sequence[str], max_body: int) -> _Transfer:
        """Start a transfer to the vetted addresses."""
        transfer = self._idle.pop() if self._idle else _Transfer(self.policy, self._user_agent, self._ca_file)
        transfer.prepare(job, self._pins.pin(job.target, vetted), vetted, max_body)
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

    def land(self, transfer: _Transfer) -> None:
        """Take an ended or abandoned transfer out and keep its handle for later."""
        self._multi.remove_handle(transfer.curl)
        transfer.forget()
        if len(self._idle) < MAX_IN_FLIGHT:
            self._idle.append(transfer)

    def wake(self, _lookup: object = None) -> None:
        """End the current `wait`; from any thread."""
        with suppress(OSError):  # full: it will wake anyway; closed: nobody waits
            self._bell.send(b"\0")

    def wait(self, seconds: float) -> None:
        """Wait until a socket has news, libcurl has a timer due, a lookup ended or the seconds are over."""
        readable, writable, _ = self._multi.fdset()
        due = self._multi.timeout()
        milliseconds = min(seconds, _POLL_SECONDS) * 1000
        poll = select.poll()
        poll.register(self._wake_end, select.POLLIN)
        for descriptor in {*readable, *writable}:
            reads, writes = descriptor in readable, descriptor in writable
            poll.register(descriptor, reads * select.POLLIN | writes * select.POLLOUT)
        poll.poll(max(0.0, min(milliseconds, due) if due >= 0 else milliseconds))
        with suppress(BlockingIOError):
            self._wake_end.recv(4096)


class _Batch:
    """The requests of one `send_all`: waiting → resolving → in flight → done."""

    def __init__(
        self, client: Client, requests: Sequence[Request], timeout: float, max_body: int, on_done: OnDone
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._max_body = max_body
        self._on_done = on_done
        self._waiting = deque(enumerate(requests))
        self._targets: dict[str, Target] = {}
        self._lookups: dict[tuple[str, int], Future[list[str]]] = {}
        self._vetted: dict[tuple[str, int], list[str]] = {}
        self._resolving: list[_Job] = []
        self._flying: dict[Any, _Transfer] = {}
        self._errors: list[Exception] = []

    def run(self) -> None:
        """Work until every request is done; then raise the first error of `on_done`, if any."""
        try:
            while self._waiting or self._resolving or self._flying:
                self._begin_waiting()
                self._launch_resolved()
                if not self._collect() and (self._resolving or self._flying):
                    self._client.wait(self._until_next_deadline())
        finally:
            for transfer in self._flying.values():
                self._client.land(transfer)
        if self._errors:
            raise self._errors[0]

    def _done(self, index: int, outcome: TransferResult) -> None:
        try:
            self._on_done(index, outcome)
        except Exception as error:  # noqa: BLE001 - raised at the end: the others are in flight and must be told
            self._errors.append(error)

    def _begin_waiting(self) -> None:
        while self._waiting and len(self._resolving) + len(self._flying) < MAX_IN_FLIGHT:
            index, request = self._waiting.popleft()
            began = time.monotonic()
            try:
                target = self._target(request.url)
            except ForbiddenUrl as error:
                self._done(
                    index,
                    TransferFailure(error.kind, str(error), sent=False, duration_ms=0, detail=error.address_class),
                )
                continue
            self._resolving.append(_Job(index, request, target, began, began + self._timeout, self._lookup(target)))

    def _target(self, url: str) -> Target:
        """Where a URL leads; raises ForbiddenUrl. One URL is looked at once in a batch."""
        if url not in self._targets:
            self._targets[url] = check_url(url, self._client.policy)
        return self._targets[url]

    def _lookup(self, target: Target) -> "Future[list[str]]":
        """One lookup for each host and port of the batch, not one for each request."""
        key = (target.host, target.port)
        if key not in self._lookups:
            self._lookups[key] = start_lookup(target, self._client.resolver)
            if not self._lookups[key].done():
                self._lookups[key].add_done_callback(self._client.wake)
        return self._lookups[key]

    def _launch_resolved(self) -> None:
        jobs, self._resolving = self._resolving, []
        for job in jobs:
            if job.lookup.done():
                self._launch(job)
            elif time.monotonic() < job.deadline:
                self._resolving.append(job)
            else:
                self._done(job.index, job.failed("dns", f"{job.target.host} did not resolve in time"))

    def _launch(self, job: _Job) -> None:
        job.dns_ms = job.elapsed_ms()
        try:
            vetted = self._addresses(job)
        except ForbiddenUrl as error:
            self._done(job.index, job.failed(error.kind, error.reason, error.address_class))
        except Unresolvable as error:
            self._done(job.index, job.failed("dns", str(error)))
        else:
            transfer = self._client.launch(job, vetted, self._max_body)
            self._flying[transfer.curl] = transfer

    def _addresses(self, job: _Job) -> list[str]:
        """What the host of a job resolved to, vetted once like the lookup; raises ForbiddenUrl and Unresolvable."""
        key = (job.target.host, job.target.port)
        if key not in self._vetted:
            self._vetted[key] = vet_answers(job.lookup.result(), self._client.policy)
        return self._vetted[key]

    def _collect(self) -> bool:
        """Hand on what has ended; whether anything had, and so made room."""
        ended = self._client.finished() if self._flying else []
        for curl, code, message in ended:
            transfer = self._flying.pop(curl)
            job, outcome = transfer.job, transfer.outcome(code, message)
            self._client.land(transfer)
            self._done(job.index, outcome)
        return bool(ended)

    def _until_next_deadline(self) -> float:
        """Seconds until a lookup is too late; libcurl minds the deadlines of the transfers itself."""
        first = min((job.deadline for job in self._resolving), default=None)
        return _POLL_SECONDS if first is None else max(0.0, first - time.monotonic())
