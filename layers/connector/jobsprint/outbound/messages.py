"""What goes into the outbound client and what comes out: `Request`, and a `Response` or a `TransferFailure`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Only the client sets what frames a message or names its receiver: a caller's could smuggle a second request.
_FRAMING = frozenset(
    "connection content-length expect host keep-alive proxy-authorization proxy-connection te trailer "
    "transfer-encoding upgrade".split()
)


def has_control_characters(value: str) -> bool:
    """Whether a header value would break the framing of a message."""
    return _CONTROL.search(value) is not None


@dataclass(frozen=True)
class Request:
    """One request to send.

    - `body`: None sends none.
    - `repeatable`: the receiver recognises a repeat (a `webhook-id`, an upsert); GET, HEAD and OPTIONS always count as
      such. A repeatable request uses a kept-alive connection, and is sent once more over another if that one turns out
      to be dead before any answer: libcurl does so by itself, since it looks for closed connections only once a second
      (8.23). Every other request gets a connection of its own and is never sent twice.
    - `once`: never send it twice, even if it is a GET.
    - `enough`: called with each piece of a 2xx body as it comes (decompressed, within `max_body`). Once it returns
      True, reading stops and the connection is closed: for streams that never end. It must not raise.
    - `head_decides`: a complete head with a 2xx is a response, whatever its body does, which is read for at most two
      seconds more (`Response.body_failure`). Without it a 2xx counts with its whole body only. A head with any other
      status always decides.

    Raises ValueError for a method or header that is not valid HTTP, and for headers that frame the message.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    enough: Callable[[bytes], bool] | None = None
    once: bool = False
    head_decides: bool = False

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise ValueError("the method is no HTTP token")
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError("a header name is no HTTP token")
            if name.lower() in _FRAMING:
                raise ValueError(f"the header {name} is set by the client itself")
            if has_control_characters(value):
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
    request's `enough` ended the reading. `body_failure` is the reason of the failure that ended the body before it was
    whole, as in `TransferFailure.reason`; only where the head decides. `timings`, in ms each: `dns`,
    `connect`, `tls` (0 on a kept connection), `first_byte` (from request to response), `total`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    duration_ms: int
    timings: dict[str, int]
    body_failure: str | None = None


@dataclass(frozen=True)
class TransferFailure:
    """A request without a usable response.

    - `kind`, one of `KINDS`: `dns`; `blocked_address`, `blocked_port`, `plain_http`, `malformed_url` (refused by the
      address policy); `connect` (refused or unreachable) and `timeout_connect`; `tls` and `timeout_tls`;
      `timeout_headers` (no complete response head in time); `timeout_body`; `headers_too_large`; `reset` (closed or
      reset before the response was complete); `protocol` (no valid HTTP).
    - `detail` says which where a kind has several: the class of a blocked address, `unreachable`,
      `certificate_expired` and the like, `chunking`, `encoding`, `status_line`.
    - `sent` is False only if the receiver cannot have seen the request.
    - `status` is that of a response head which did arrive.
    - `message` is for a person and names neither path, headers nor body.
    - `timings` as in `Response`; the phase that did not end has the time it took.
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
