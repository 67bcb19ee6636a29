"""Answers to the requests that an MCP server makes inside a call of ours."""

from collections.abc import Callable

from jobsprint.connectors.signed_post import client
from jobsprint.core.canonical_json import JsonObject
from jobsprint.outbound.client import Request

_MAX_REPLIES = 50  # within one exchange
_METHOD_NOT_FOUND = -32601  # JSON-RPC 2.0, section 5.1


class Replies:
    """Answers the server's requests while its stream goes on: a ping as the protocol wants it, all else with a refusal.

    A server may wait for the answer before it goes on with ours.
    """

    def __init__(self, request: Callable[..., Request]) -> None:
        self._request = request
        self._left = _MAX_REPLIES

    def __call__(self, asked: JsonObject) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        refusal: JsonObject = {"code": _METHOD_NOT_FOUND, "message": "Method not found"}
        said: JsonObject = {"result": {}} if asked["method"] == "ping" else {"error": refusal}
        client().send_beside(self._request({"jsonrpc": "2.0", "id": asked["id"], **said}, repeatable=True))
