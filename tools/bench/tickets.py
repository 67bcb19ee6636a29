"""Batches of the delivery queue as Lambda hands them to the dispatcher."""

import itertools
import json
from typing import Any

from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from tests.support.deliveries import record
from tools.bench.payloads import payload
from tools.bench.service import TENANT, Service
from tools.bench.sizes import PAYLOAD_BYTES

_numbers = itertools.count(1)


def batch(service: Service, size: int, webhook: str = "", *, carried: bool = False) -> dict[str, Any]:
    """An SQS event with `size` first attempts that nobody else knows of, of events that are kept or `carried` yet."""
    return batch_for(TENANT, webhook or service.webhook, size, carried=carried)


def batch_for(tenant: str, webhook: str, size: int, *, carried: bool = False) -> dict[str, Any]:
    """The same for any webhook."""
    return {"Records": [record(json.dumps(_ticket(tenant, webhook, carried=carried))) for _ in range(size)]}


def _ticket(tenant: str, webhook: str, *, carried: bool) -> dict[str, Any]:
    now = now_ms() + next(_numbers)  # a time of its own, as ids are made from it
    event_id = new_id("evt", now)
    return {
        "tenant": tenant,
        "webhookId": webhook,
        "deliveryId": new_id("dlv", now),
        "eventId": event_id,
        "event": "bench.happened",
        "timestamp": "2026-11-22T10:00:00Z",
        **({} if carried else {"eventKey": f"0#{event_id}"}),
        "attempt": 1,
        "data": json.dumps(payload(PAYLOAD_BYTES, now)),
    }
