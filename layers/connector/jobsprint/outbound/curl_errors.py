"""Causes of failed transfers: libcurl's error codes as kinds and details of a `TransferFailure`."""

import errno
import os
from typing import Any

import pycurl

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


def cause(curl: Any, code: int, message: str, *, phase: str, invalid_status_line: bool) -> tuple[str, str]:
    """The kind and detail of a failed transfer.

    `code` is a CURLE_ number, or 0 if the connection ended within the response head; `message` is libcurl's. `phase` is
    the one that did not end: `connect`, `tls`, `headers` or `body`.
    """
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return f"timeout_{phase}", ""
    if code == pycurl.E_COULDNT_CONNECT:
        return "connect", "unreachable" if curl.getinfo(pycurl.OS_ERRNO) in _UNREACHABLE else ""
    if code in _SSL_CODES:
        return "tls", _tls_detail(curl, code, message)
    # A head that is too large as a whole has the code of a failed read, and so have bad chunks.
    if code == _E_TOO_LARGE or "response headers" in message:
        return "headers_too_large", ""
    if "chunk" in message:
        return "protocol", "chunking"
    if invalid_status_line:
        return "protocol", "status_line"
    if code == 0 or code in _RESET_CODES:
        return ("reset", "") if phase in {"headers", "body"} else (phase, "closed")
    return "protocol", _PROTOCOL_DETAILS.get(code, "")


def _tls_detail(curl: Any, code: int, message: str) -> str:
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        found = curl.getinfo(pycurl.SSL_VERIFYRESULT)
        return _CERTIFICATE_DETAILS.get(found, "certificate_name" if "subject name" in message else "certificate")
    if "wrong version number" in message or "packet length too long" in message:
        return "not_tls"
    return "closed" if "reset by peer" in message or "unexpected eof" in message else "handshake"


def describe(curl: Any, kind: str, message: str, *, invalid_status_line: bool) -> str:
    """A sentence for a person; libcurl's own, made printable, where there is none for this kind."""
    if invalid_status_line:
        return "the status line is none of HTTP/1.1, or switches to another protocol"
    text = _MESSAGES.get(kind) or "".join(char if char.isprintable() else "?" for char in message[:_MAX_MESSAGE])
    number = curl.getinfo(pycurl.OS_ERRNO) if kind == "connect" else 0
    return f"{text}: {os.strerror(number)}" if number else text
