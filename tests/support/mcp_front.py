"""The MCP endpoint as a server on 127.0.0.1: real HTTP in front of the real handler.

With `token` it adds that to every request, for clients that can send no header.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.call import Context, event, handler
from tests.support.receiver import Received, Receiver, Reply, receiving


@contextmanager
def serving_mcp(token: str | None = None) -> Iterator[Receiver]:
    """A server whose endpoint is its `url` and /v1/mcp."""
    lock = threading.Lock()  # a handler takes a request at a time, as in Lambda

    def answer(request: Received) -> Reply:
        headers = dict(request.headers) | ({"authorization": f"Bearer {token}"} if token else {})
        body = request.body.decode() if request.body else None
        folder, sent = event(request.method, request.path.removeprefix("/v1"), tenant=None, body=body, headers=headers)
        with lock:
            found = handler(folder)(sent, Context())
        return Reply(found["statusCode"], found["body"].encode(), found["headers"])

    with receiving() as server:
        server.answer = answer
        yield server
