"""The queue consumers (event source mappings) of the local stack: paused while functions change, and mended after it.

A batch in the hands of a function that is replaced dies with it and comes back after the visibility timeout, minutes
later. And a number that comes from a template parameter reaches the emulator's pollers as text: one such text stops the
polling of every queue.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import EndpointConnectionError

from tools.local.console import step
from tools.local.stack import client

# Longer than a delivery batch may take (Timeout in template.yaml); what is out for longer has failed and waits.
_DRAIN_SECONDS = 35


@contextmanager
def paused(endpoint: str) -> Iterator[None]:
    """Keep every consumer from taking messages while the block runs, which begins when the last batch is done."""
    functions, sqs = client("lambda", endpoint), client("sqs", endpoint)
    for mapping in _mappings(functions):
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        with step("Waiting for deliveries under way"):
            _drain(sqs, [mapping["EventSourceArn"] for mapping in _mappings(functions)])
        yield
    finally:
        with suppress(EndpointConnectionError):  # the emulator has died, which the block reports better
            for mapping in _mappings(functions):
                _resume(functions, mapping)


def _resume(functions: Any, mapping: dict[str, Any]) -> None:
    limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
    scaling = {} if limit is None else {"ScalingConfig": {"MaximumConcurrency": int(limit)}}
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True, **scaling)


def _mappings(functions: Any) -> list[dict[str, Any]]:
    pages = functions.get_paginator("list_event_source_mappings").paginate()
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def _drain(sqs: Any, queues: list[str]) -> None:
    """Wait until no message of the queues is with a consumer."""
    urls = [sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"] for arn in queues]
    deadline = time.monotonic() + _DRAIN_SECONDS
    while any(_out(sqs, url) for url in urls) and time.monotonic() < deadline:
        time.sleep(0.2)


def _out(sqs: Any, url: str) -> bool:
    name = "ApproximateNumberOfMessagesNotVisible"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
    return int(attributes[name]) > 0
