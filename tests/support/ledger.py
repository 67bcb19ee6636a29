"""An application that keeps a ledger of what it did for each order, and that often answers badly or not at all."""

import json
import random
import threading
import time
from collections import Counter
from typing import IO

from tests.support.receiver import Received, Receiver, Reply

CHANCES = {
    "answered": 62,
    "dropped": 5,
    "dropped_done": 6,
    "cut_done": 4,
    "lost": 2,
    "lost_done": 2,
    "hung": 1,
    "hung_done": 2,
    "failed": 5,
    "failed_done": 3,
    "said_no": 4,
    "limited": 5,
}
"""What it may do with an order, and how often; `…_done` says that it carried the order out."""

FAILURES = {"failed", "failed_done", "said_no"}
"""After these the caller knows what the application said; after what is neither, `answered` nor `limited`, nothing."""


class Ledger:
    """Behind `receiver`: `done` counts how often an order was carried out, `took` has what happened to each request.

    Orders are numbers; what comes next for one is drawn from CHANCES, unless `calm`. It hangs for `hang_seconds`.
    """

    def __init__(self, receiver: Receiver, seed: int, hang_seconds: float) -> None:
        self.url = receiver.url
        self.done: Counter[int] = Counter()
        self.took: dict[int, list[str]] = {}
        self.calm = False
        self._chance, self._hang_seconds = random.Random(seed), hang_seconds
        self._lock = threading.Lock()
        receiver.answer = self._answer

    def _answer(self, request: Received) -> Reply:
        order = request.json["parameters"]["order"]
        with self._lock:
            [took] = ["answered"] if self.calm else self._chance.choices(list(CHANCES), list(CHANCES.values()))
            self.took.setdefault(order, []).append(took)
            self.done[order] += took == "answered" or took.endswith("_done")
        match took:
            case "answered":
                return Reply(200, {"order": order, "entry": f"entry-{order}"})
            case "dropped" | "dropped_done":
                return Reply(write=lambda _: None)
            case "cut_done":
                return Reply(write=self._cut)
            case "hung" | "hung_done":
                return Reply(write=lambda _: time.sleep(self._hang_seconds))
            case "lost" | "lost_done":
                return Reply(504, b"<html>A gateway got no answer</html>")
            case "limited":
                return Reply(429, {"error": "later"}, {"Retry-After": "1"})
            case "said_no":
                return Reply(200, {"success": False, "error": "no"})
            case _:
                return Reply(500, {"error": "broken"})

    def _cut(self, out: IO[bytes]) -> None:
        body = json.dumps({"success": False, "error": "half of this is all there is"}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        out.write(head.encode() + body[: len(body) // 2])
