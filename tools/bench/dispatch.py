"""Dispatch: CPU for a delivered webhook, beside a plain loop that does the same one message after the other; the time
of a batch; and what a container's memory comes to over many deliveries."""

import base64
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.bench import lean
from tools.bench.cold import succeeded
from tools.bench.figures import Figure
from tools.bench.runtime import Runtime, running
from tools.bench.service import TENANT, Service, made
from tools.bench.sizes import FILL
from tools.bench.tickets import batch

ROUNDS = 60
_WARM = 5
_SLOW_MS = 500
_SLOW_ROUNDS = 5
_FEW, _MANY = 10_000, 100_000
_PLAIN = Path(__file__).parent / "handlers" / "plain_loop"


def figures(service: Service, rounds: int = ROUNDS) -> list[Figure]:
    """Both work a batch of FILL in turn; medians. Then a batch of which every receiver takes half a second."""
    env = service.environment("dispatch_webhooks")
    plain_env = {**env, "RECEIVER_URL": f"{service.receiver_url}/hook"}
    ours: list[float] = []
    plain: list[float] = []
    with running(service.folders("dispatch_webhooks"), env) as subject, running([_PLAIN], plain_env) as loop:
        for _ in range(_WARM):
            subject.invoke(batch(service, FILL))
            loop.invoke(batch(service, FILL))
        assert not _is_watched(service), "a receiver that seemed slow costs more than what is measured"
        for _ in range(rounds):
            ours.append(_cpu_of(subject, batch(service, FILL)) / FILL)
            plain.append(_cpu_of(loop, batch(service, FILL)) / FILL)
        assert not _is_watched(service)
        slow = statistics.median(_slow_batch(service, subject) for _ in range(_SLOW_ROUNDS))
    own, theirs = statistics.median(ours), statistics.median(plain)
    return [
        Figure("CPU of a delivered webhook", own, "ms", 1.0, stretch=0.5, note=f"batches of {FILL}, {rounds} of them"),
        Figure(
            "plain loop over CPU of a delivered webhook", theirs / own, "x", 3.0, "higher", note=f"loop {theirs:.2f} ms"
        ),
        Figure(
            "time of a batch over its slowest receiver",
            slow,
            "x",
            1.5,
            note=f"{FILL} receivers of {_SLOW_MS} ms; one by one {FILL}; with the emulator's own time",
        ),
        _memory(service),
    ]


def _is_watched(service: Service) -> bool:
    """Whether the dispatcher takes the webhook for slow or failing, and looks at it before each batch."""
    items, _ = _kept(service)
    [webhook] = [item for item in items if item.get("id") == {"S": service.webhook}]
    return "watched" in webhook


def _memory(service: Service) -> Figure:
    """The function that was built, over a stand-in for AWS that answers at once: the emulator would take an hour."""
    with lean.started() as aws:
        webhook = made(service.stack, "webhooks", {"name": "Many", "url": f"{aws.url}/hook", "events": ["many.event"]})
        aws.know(*_kept(service))
        env = {**service.environment("dispatch_webhooks"), "AWS_ENDPOINT": aws.url, "AWS_ENDPOINT_URL": aws.url}
        with running(service.folders("dispatch_webhooks"), env) as function:
            few, many = (_rss_after(function, service, webhook, count) for count in (_FEW, _MANY - _FEW))
    return Figure(
        f"RSS after {_MANY} deliveries over that after {_FEW}",
        many / few,
        "x",
        1.05,
        note=f"{few:.1f} and {many:.1f} MB; over a stand-in for AWS (tools/bench/lean.py)",
    )


def _kept(service: Service) -> tuple[list[dict[str, Any]], bytes]:
    """What the tenants' table holds, and the tenant's data key in the clear."""
    environment = service.environment("dispatch_webhooks")
    pages = service.stack.client("dynamodb").get_paginator("scan").paginate(TableName=environment["TENANTS_TABLE"])
    items = [item for page in pages for item in page["Items"]]
    [wrapped] = [base64.b64decode(item["wrapped"]["S"]) for item in items if item["pk"] == {"S": f"{TENANT}#key"}]
    opened = service.stack.client("kms").decrypt(
        KeyId=environment["DATA_KEY_ID"], CiphertextBlob=wrapped, EncryptionContext={"tenant": TENANT}
    )
    return items, opened["Plaintext"]


def _rss_after(function: Runtime, service: Service, webhook: str, deliveries: int) -> float:
    for _ in range(deliveries // FILL):
        succeeded(function.invoke(batch(service, FILL, webhook)))
    return function.rss_mb()


def _cpu_of(function: Runtime, event: Mapping[str, Any]) -> float:
    before = function.cpu_ms()
    succeeded(function.invoke(event))
    return function.cpu_ms() - before


def _slow_batch(service: Service, function: Runtime) -> float:
    """A webhook of its own each time, as one that is slow is held back."""
    url = f"{service.receiver_url}/slow/{_SLOW_MS}"
    webhook = made(service.stack, "webhooks", {"name": "Slow", "url": url, "events": ["slow.event"]})
    event = batch(service, FILL, webhook)
    started = time.monotonic()
    succeeded(function.invoke(event))
    return (time.monotonic() - started) * 1000 / _SLOW_MS
