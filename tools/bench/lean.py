"""A stand-in for DynamoDB and KMS, and a receiver, that answer at once and keep nothing: `python -m tools.bench.lean`.

For figures of a function alone: it finds the items that the stand-in was given by their keys, every write succeeds, and
any other path than `/` is a receiver that answers 204. What it is asked is not looked at any further.
"""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_WRITTEN = {"Attributes": {"successful": {"N": "1"}, "failed": {"N": "0"}}}


class Lean:
    """The running stand-in; `url` is without a path."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self._process = process

    def know(self, items: Sequence[Mapping[str, Any]], data_key: bytes) -> None:
        """Begins to answer: `items` are found by `pk` and `sk` in any table, `data_key` is what KMS unwraps."""
        assert self._process.stdin
        known = {"items": items, "key": base64.b64encode(data_key).decode()}
        self._process.stdin.write(json.dumps(known, default=_encoded) + "\n")
        self._process.stdin.flush()


def _encoded(raw: bytes) -> str:
    """Binary values as they are in a request."""
    return base64.b64encode(raw).decode()


@contextmanager
def started() -> Iterator[Lean]:
    """Runs it on a free port while the block runs."""
    command = [sys.executable, "-m", "tools.bench.lean"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Lean(f"http://127.0.0.1:{int(process.stdout.readline())}", process)
        finally:
            process.terminate()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, one request after the other."""

    items: Mapping[tuple[str, str], Any]
    key: str

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self._data) < size:
                return
            body, self._data = self._data[end + 4 : size], self._data[size:]
            self._transport.write(self._answer(head[0].split(" ")[1], headers, body))

    def _answer(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if path != "/":
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        answer = json.dumps(self._aws(headers["x-amz-target"].rpartition(".")[2], json.loads(body))).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)

    def _aws(self, operation: str, asked: Mapping[str, Any]) -> Any:
        match operation:
            case "GetItem":
                found = self.items.get((asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"]))
                return {"Item": found} if found else {}
            case "Query":
                return {"Items": []}
            case "PutItem":
                return {}
            case "BatchExecuteStatement":
                return {"Responses": [{"TableName": "table"}] * len(asked["Statements"])}
            case "UpdateItem":
                return _WRITTEN
            case "Decrypt":
                return {"Plaintext": self.key}
        raise NotImplementedError(operation)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    known = json.loads(sys.stdin.readline())
    _Connection.items = {(item["pk"]["S"], item["sk"]["S"]): item for item in known["items"]}
    _Connection.key = known["key"]
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
