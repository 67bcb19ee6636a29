"""AWS calls over libcurl, in place of botocore's own HTTP client: botocore goes on signing, retrying and reading them.

Its own client is urllib3 over http.client, which reads headers as those of an e-mail: 0.3 of the 0.8 ms of CPU that a
small call takes. Only for functions that load libcurl anyway, and live from many calls.
"""

from io import BytesIO
from typing import Any

import certifi
import pycurl
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

_NOT_CONNECTED = frozenset({pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY, pycurl.E_COULDNT_CONNECT})
_TLS = frozenset({pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE})
_CLOSED = frozenset({pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR, pycurl.E_GOT_NOTHING, pycurl.E_PARTIAL_FILE})
_OWN_HEADERS = frozenset({"content-length", "host"})  # libcurl writes these itself


class _Body(BytesIO):
    """The body of an answer as botocore wants to read it."""

    def stream(self) -> list[bytes]:
        return [self.getvalue()]


class Transport:
    """Sends the requests of AWS clients; safe to call from several threads.

    One libcurl handle for each request under way at a time, kept with its connection for the next one.
    """

    def __init__(self, *, connect_seconds: float, read_seconds: float) -> None:
        self._connect_ms = round(connect_seconds * 1000)
        self._total_ms = round((connect_seconds + read_seconds) * 1000)
        self._idle: list[pycurl.Curl] = []

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """The answer to a POST; None (botocore then sends it) for anything else: a handler of botocore's `before-send`.

        Raises the errors of botocore's own client, on which it repeats a call.
        """
        if request.method != "POST" or not isinstance(request.body, bytes):
            return None
        curl = self._handle()
        body, head = _Body(), BytesIO()
        curl.setopt(pycurl.URL, request.url)
        curl.setopt(pycurl.POSTFIELDS, request.body)
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request))
        curl.setopt(pycurl.WRITEFUNCTION, body.write)
        curl.setopt(pycurl.HEADERFUNCTION, head.write)
        try:
            curl.perform()
        except pycurl.error as error:
            failure = _failure(error, curl, request)
            curl.close()
            raise failure from error
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        self._idle.append(curl)
        return AWSResponse(request.url, status, _headers(head.getvalue()), body)

    def close(self) -> None:
        """Ends the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _handle(self) -> pycurl.Curl:
        try:
            return self._idle.pop()  # not looked at before: another thread may take the last one in between
        except IndexError:
            return self._made()

    def _made(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        for option, value in (
            (pycurl.POST, 1),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.CAINFO, certifi.where()),
            (pycurl.CONNECTTIMEOUT_MS, self._connect_ms),
            (pycurl.TIMEOUT_MS, self._total_ms),
            (pycurl.NOSIGNAL, 1),
        ):
            curl.setopt(option, value)
        return curl


def _header_lines(request: AWSPreparedRequest) -> list[bytes]:
    lines = [
        b"%s: %s" % (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in request.headers.items()
        if name.lower() not in _OWN_HEADERS
    ]
    return [*lines, b"Expect:"]  # else a body over 1 MB waits for a 100 Continue


def _headers(head: bytes) -> Any:
    """The headers of an answer; of several heads (a 100 Continue, a proxy's) the last one's."""
    last = head.rstrip().rpartition(b"\r\n\r\n")[2].decode("latin-1")
    fields = (line.partition(":") for line in last.split("\r\n")[1:])
    return {name: value.strip() for name, _, value in fields}


def _failure(error: pycurl.error, curl: pycurl.Curl, request: AWSPreparedRequest) -> BotoCoreError:
    code, message = error.args
    if code in _NOT_CONNECTED:
        return EndpointConnectionError(endpoint_url=request.url, error=message)
    if code == pycurl.E_OPERATION_TIMEDOUT:
        late = ReadTimeoutError if curl.getinfo(pycurl.CONNECT_TIME) else ConnectTimeoutError
        return late(endpoint_url=request.url, error=message)
    if code in _TLS:
        return SSLError(endpoint_url=request.url, error=message)
    if code in _CLOSED:
        return ConnectionClosedError(endpoint_url=request.url, error=message, request=request)
    return HTTPClientError(error=message)
