"""Rules for the URLs and addresses that tenants give: which of them this deployment may call.

`check_url` judges a URL by its text; `refused_class` judges an address. Both refuse by an `AddressPolicy`. Nothing here
resolves a name or opens a connection: `outbound.pinning` and `outbound.client` do.
"""

import re
import socket
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import quote

from jobsprint.core.config import settings
from jobsprint.outbound.ip_ranges import Address, IPv6, all_classes, canonical_ip, parse_address, worst

MAX_URL = 2048
"""Characters in a URL."""

MAX_HOST = 253
"""Characters in a host name (RFC 1035), without the trailing dot."""

Reason = Literal["blocked_address", "blocked_port", "plain_http", "malformed_url"]

_PRIVATE_CLASSES = frozenset({"private", "shared", "benchmarking"})
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MIN_HIGH_PORT, _MAX_PORT = 1024, 65535
# The metadata services of clouds, refused by name as well: inside a cloud they may resolve to an address of its own.
_METADATA_HOSTS = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.azure.internal",
        "metadata.platformequinix.com",
    }
)
_KEPT_IN_PATH = "!$&'()*+,;=:@/?%-._~[]|"  # delimiters and the % of escapes are left as they are


@dataclass(frozen=True)
class AddressPolicy:
    """What a deployment lets tenants reach besides the public internet over https.

    `allow_private` opens private, shared (CGNAT) and benchmarking networks, plain http and port 80. `allow_loopback`
    opens loopback, for the local stack only. Metadata, link-local and all other special addresses are never open.
    """

    allow_private: bool = False
    allow_loopback: bool = False

    def allows(self, name: str) -> bool:
        """Whether addresses of this class (of `ip_ranges.CLASSES`) may be connected to."""
        return (self.allow_private and name in _PRIVATE_CLASSES) or (self.allow_loopback and name == "loopback")


def deployment_policy() -> AddressPolicy:
    """The policy of this deployment, from its settings."""
    return AddressPolicy(
        allow_private=settings().allow_private_targets, allow_loopback=settings().allow_loopback_targets
    )


class ForbiddenUrl(ValueError):
    """A URL that may not be called.

    `kind` is one of `Reason`. `address_class` is one of `ip_ranges.CLASSES` where an address is refused, else empty.
    `reason` is both (`blocked_address: link_local`). The message starts with `reason` and never repeats the URL.
    """

    def __init__(self, kind: Reason, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Reason = kind
        self.address_class = detail if kind == "blocked_address" else ""
        self.reason = f"{kind}: {detail}" if kind == "blocked_address" else kind


@dataclass(frozen=True)
class Target:
    """The parts of a URL that passed `check_url`.

    `host` is ASCII, lower case, without brackets or trailing dot, and a numeric spelling is in its normal form.
    `url` is rebuilt from the parts (no fragment, ASCII only), so that nothing parses the original a second time.
    """

    scheme: str
    host: str
    port: int
    url: str


def refused_class(ip: str | Address, policy: AddressPolicy) -> str | None:
    """The class (of `ip_ranges.CLASSES`) for which the policy refuses this address, or None if it may be called.

    An IPv6 that carries an IPv4 must be allowed by both.
    """
    return worst(name for name in all_classes(ip) if not policy.allows(name))


def is_localhost(host: str) -> bool:
    """Whether the name means this machine by definition (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


@lru_cache(maxsize=1024)  # pure, and the dispatcher checks the same few URLs many times
def check_url(url: str, policy: AddressPolicy) -> Target:
    """Check a URL by its text alone, without DNS; gives the target that it names.

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


def _malformed(detail: str) -> ForbiddenUrl:
    return ForbiddenUrl("malformed_url", detail)


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL:
        raise _malformed(f"longer than {MAX_URL} characters")
    # Parsers disagree on what these mean, so one host could be checked and another one called.
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
    """The host as DNS sees it: NFKC, lower case, IDNA.

    A name that IDNA would silently turn into another (ß, joiners) is refused: a person would see one host and we would
    call another.
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
        return canonical_ip(str(IPv6(inside)))
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


def _check_host(host: str, policy: AddressPolicy) -> str:
    host = _bracketed(host[1:-1]) if host.startswith("[") else _named_or_numeric(host)
    refused: str | None
    if host in _METADATA_HOSTS:
        refused = "metadata"
    elif is_localhost(host):
        refused = None if policy.allow_loopback else "loopback"
    else:
        literal = parse_address(host)
        refused = refused_class(literal, policy) if literal else None
    if refused:
        raise ForbiddenUrl("blocked_address", refused)
    return host
