"""Counts of what one operation bills, on moto, from the real handlers' own requests (see `meter`)."""

import io
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from bench.figures import Figure
from bench.meter import Bill, metered
from bench.receiver import receiving
from bench.stand import standing
from jobsprint.domain import traffic
from jobsprint.domain.times import now_ms
from tests.support.call import Answer, call
from tests.support.deliveries import Outbox, dispatch, record, subscribe, watching_sqs, work

PAYLOAD_BYTES = 700
"""The size of an event's data up to which it takes one write unit for each of its three writes."""

FILL = 10
BATCH = 25


@dataclass(frozen=True)
class Costs:
    """What each operation bills, warm: `dispatch` for a batch of FILL deliveries, `batch` for BATCH events."""

    single: Bill
    batch: Bill
    bus: Bill
    dispatch: Bill
    dispatch_of_one: Bill
    call: Bill
    health: Bill


@dataclass(frozen=True)
class Counted:
    """Costs, and the figures about them."""

    costs: Costs
    figures: list[Figure]


def counted(backlog: int = 1000) -> Counted:
    """Runs every operation once warm and bills it; `backlog` is how many rows the long page of logs stands before."""
    with _service() as (receiver_url, outbox):
        webhook = subscribe(receiver_url, "*")
        _publish(1)
        _deliver(outbox)
        costs = Costs(
            single=_bill(lambda: _publish(1)),
            dispatch_of_one=_deliver(outbox)[0],
            batch=_bill(lambda: _publish(BATCH)),
            dispatch=_deliver(outbox)[0],
            bus=_bill(lambda: _over_the_bus(FILL)),
            call=_bill(lambda: call("GET", "/integrations")),
            health=_health(receiver_url),
        )
        _deliver(outbox)
        few = _bill(lambda: _page_of_logs(webhook["id"]))
        _backlog(outbox, backlog)
        many = _bill(lambda: _page_of_logs(webhook["id"]))
    per_event = costs.batch.writes / BATCH + (costs.dispatch.writes - 1) / FILL
    figures = [
        Figure("writes of a delivered event", per_event, "units", 3, note=f"{PAYLOAD_BYTES} B, one webhook, first try"),
        Figure("counter writes of a batch of 10", costs.dispatch.calls["dynamodb:UpdateItem"], "units", 1),
        Figure("index writes of a delivered event", costs.batch.indexes + costs.dispatch.indexes, "units", 0),
        Figure("reads of a batch of 10 when warm", costs.dispatch.reads, "units", 1),
        Figure("scans", _scans(costs), "calls", 0),
        Figure(f"page of logs, {backlog} rows over few", many.reads / few.reads, "x", 1.0),
    ]
    return Counted(costs, figures)


@contextmanager
def _service() -> Iterator[tuple[str, Outbox]]:
    logging.disable(logging.CRITICAL)
    # Every call is weighed in this process, which a webhook must not be taken for slow for.
    patient = patch.object(traffic, "SLOW_MS", 600_000)
    with patient, standing(), receiving() as url, watching_sqs() as outbox, redirect_stdout(io.StringIO()):
        yield f"{url}/hook", outbox
    logging.disable(logging.NOTSET)


def _bill(work: Any) -> Bill:
    with metered() as bill:
        done = work()
    assert not isinstance(done, Answer) or done.status < 300, done
    return bill


def _publish(count: int) -> Answer:
    data = {"text": "x" * (PAYLOAD_BYTES - 11)}
    events = [{"event": "workflow.executed", "data": data} for _ in range(count)]
    return call("POST", "/events", body=events[0] if count == 1 else {"events": events})


def _over_the_bus(count: int) -> None:
    detail = {"tenant": "acme", "data": {"text": "x" * (PAYLOAD_BYTES - 11)}}
    bodies = [
        json.dumps({"id": str(uuid.uuid4()), "detail-type": "a.b", "source": "jobsprint", "detail": detail})
        for _ in range(count)
    ]
    assert work("receive_events", *map(record, bodies)) == []


def _deliver(outbox: Outbox) -> list[Bill]:
    bodies = [message.body for message in outbox.take()]
    bills = []
    for start in range(0, len(bodies), FILL):
        with metered() as bill:
            assert dispatch(*map(record, bodies[start : start + FILL])) == []
        bills.append(bill)
    return bills


def _backlog(outbox: Outbox, rows: int) -> None:
    for _ in range(rows // BATCH):
        _publish(BATCH)
        _deliver(outbox)


def _page_of_logs(webhook_id: str) -> Answer:
    return call("GET", f"/integrations/{webhook_id}/logs?limit=1")


def _health(url: str) -> Bill:
    made = call("POST", "/integrations/custom_webhook/connect", body={"name": "Custom", "url": url})
    message = json.dumps({"tenant": "acme", "id": made.data["id"], "run": now_ms()})
    return _bill(lambda: work("check_health", record(message)))


def _scans(costs: Costs) -> int:
    bills = [getattr(costs, name) for name in costs.__dataclass_fields__]
    return sum(bill.calls["dynamodb:Scan"] for bill in bills)
