"""Counts of what one operation bills, on moto, from the real handlers' own requests (see `meter`)."""

import io
import itertools
import json
import logging
import statistics
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from jobsprint.core import aws
from jobsprint.core.clock import iso_millis, iso_seconds, now_ms
from jobsprint.core.observability import logger
from jobsprint.domain import endpoint_health
from tests.support.call import Answer, Context, call, handler
from tests.support.deliveries import Outbox, dispatch, record, subscribe, watching_sqs, work
from tests.support.receiver import Received, Receiver, Reply, receiving
from tools.bench.figures import Figure
from tools.bench.many import Rows, standing_in
from tools.bench.meter import Bill, metered
from tools.bench.payloads import payload
from tools.bench.sizes import BATCH, FILL, PAYLOAD_BYTES
from tools.bench.stand import standing


@dataclass(frozen=True)
class Costs:
    """What each operation bills, warm: `batch` for BATCH events, `dispatch` for a batch of FILL deliveries.

    `dispatch_of_singles` is for FILL deliveries of events that were published one by one, `sweep` for a run with
    nothing to do. `egress` are the bytes of one delivery's request.
    """

    single: Bill
    batch: Bill
    bus: Bill
    dispatch: Bill
    dispatch_of_one: Bill
    dispatch_of_singles: Bill
    call: Bill
    health: Bill
    sweep: Bill
    egress: float

    @property
    def bills(self) -> list[Bill]:
        """All of them."""
        return [value for value in vars(self).values() if isinstance(value, Bill)]


@dataclass(frozen=True)
class Counted:
    """Costs, and the figures about them."""

    costs: Costs
    figures: list[Figure]


def counted(many: int = 1_000_000) -> Counted:
    """Runs every operation once warm and bills it; pages of logs are read before 100 rows and before `many`."""
    with _service() as service:
        webhook = subscribe(service.receiver.url + "/webhooks/jobsprint", "*")
        _publish(service, 1)
        _deliver(service)
        sent = len(service.receiver.received)
        costs = Costs(
            single=service.bill(lambda: _publish(service, 1)),
            dispatch_of_one=_deliver(service)[0],
            dispatch_of_singles=_singles(service),
            batch=service.bill(lambda: _publish(service, BATCH)),
            dispatch=_deliver(service)[0],
            bus=service.bill(lambda: _over_the_bus(service, FILL)),
            call=service.bill(lambda: call("GET", "/integrations")),
            health=_health(service),
            sweep=service.bill(lambda: handler("sweep_deliveries")({}, Context())),
            egress=statistics.mean(map(_on_the_wire, service.receiver.received[sent:])),
        )
        _deliver(service)
        attempts = _webhook_logs(service, webhook["id"], many)
        actions = _action_logs(service, many)
    per_event = costs.single.writes + (costs.dispatch_of_singles.writes - 1) / FILL
    alone = costs.single.writes + costs.dispatch_of_one.writes - 1
    together = costs.batch.writes / BATCH + (costs.dispatch.writes - 1) / FILL
    figures = [
        Figure(
            "writes of a delivered event",
            per_event,
            "units",
            3,
            note=f"{PAYLOAD_BYTES} B, one webhook, first try, {FILL} in a batch",
        ),
        Figure("writes of one delivered by itself", alone, "units", 3, note="nothing else in its batch"),
        Figure("writes of one published in a batch of 25", together, "units", 3, note="25 are kept in one item"),
        Figure("counter writes of a batch of 10", costs.dispatch.calls["dynamodb:UpdateItem"], "units", 1),
        Figure("index writes of a delivered event", costs.batch.indexes + costs.dispatch.indexes, "units", 0),
        Figure("reads of a batch of 10 when warm", costs.dispatch.reads, "units", 1),
        Figure("scans", _scans(costs), "calls", 0),
        *attempts,
        *actions,
    ]
    return Counted(costs, figures)


@dataclass(frozen=True)
class _Service:
    """The service in this process: its receiver, what went into SQS, and what went into the log."""

    receiver: Receiver
    outbox: Outbox
    log: io.StringIO
    numbers: Iterator[int]

    def bill(self, work: Callable[[], Any]) -> Bill:
        """What `work` bills, which must succeed."""
        before = self.log.tell()
        with metered() as bill:
            done = work()
        assert not isinstance(done, Answer) or done.status < 300, done
        bill.logged = self.log.tell() - before
        return bill

    def data(self) -> dict[str, Any]:
        """Data of an event like no other."""
        return payload(PAYLOAD_BYTES, next(self.numbers))


@contextmanager
def _service() -> Iterator[_Service]:
    log = io.StringIO()
    # Every call is weighed in this process, which a webhook must not be taken for slow for.
    patient = patch.object(endpoint_health, "SLOW_MS", 600_000)
    with patient, standing(), receiving() as endpoint, watching_sqs() as outbox, redirect_stdout(log), _logged(log):
        endpoint.answer = lambda _: Reply(200, {"received": True})
        yield _Service(endpoint, outbox, log, itertools.count())


@contextmanager
def _logged(log: io.StringIO) -> Iterator[None]:
    """Log lines of the service go to `log` as Lambda would get them."""
    [handler] = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    before, level = handler.setStream(log), logger.log_level
    logger.setLevel("INFO")
    try:
        yield
    finally:
        logger.setLevel(level)
        if before:
            handler.setStream(before)


def _on_the_wire(request: Received) -> int:
    """Bytes of a request as HTTP/1.1 has it."""
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {it}" for name, it in request.headers.items())]
    return sum(len(line) + 2 for line in lines) + 2 + len(request.body)


def _publish(service: _Service, count: int) -> Answer:
    events = [{"event": "workflow.executed", "data": service.data()} for _ in range(count)]
    return call("POST", "/events", body=events[0] if count == 1 else {"events": events})


def _singles(service: _Service) -> Bill:
    for _ in range(FILL):
        _publish(service, 1)
    [bill] = _deliver(service)
    return bill


def _over_the_bus(service: _Service, count: int) -> None:
    bodies = [
        json.dumps(
            {
                "id": str(uuid.uuid4()),
                "detail-type": "workflow.executed",
                "source": "jobsprint",
                "time": iso_seconds(now_ms()),
                "detail": {"tenant": "acme", "data": service.data()},
            }
        )
        for _ in range(count)
    ]
    assert work("receive_events", *map(record, bodies)) == []


def _deliver(service: _Service) -> list[Bill]:
    bodies = [message.body for message in service.outbox.take()]
    return [_dispatched(service, bodies[start : start + FILL]) for start in range(0, len(bodies), FILL)]


def _dispatched(service: _Service, bodies: list[str]) -> Bill:
    def run() -> None:
        assert dispatch(*map(record, bodies)) == []

    return service.bill(run)


def _health(service: _Service) -> Bill:
    message = json.dumps({"tenant": "acme", "id": _connected(service), "run": now_ms()})

    def run() -> None:
        assert work("check_health", record(message)) == []

    return service.bill(run)


def _connected(service: _Service) -> str:
    body = {"name": "Custom", "url": service.receiver.url, "actions": [{"name": "order"}]}
    return str(call("POST", "/integrations/custom_webhook/connect", body=body).data["id"])


def _webhook_logs(service: _Service, webhook: str, many: int) -> list[Figure]:
    [row, *_] = _rows("EventsTable", f"acme#{webhook}")
    path = f"/integrations/{webhook}/logs?limit=20"
    return [
        _page(service, "page of attempts", path, row, many),
        _page(service, "page of attempts before a time", f"{path}&toDate=", row, many),
        _bounded(service, "attempts read to filter by status", f"{path}&status=error", row, many),
    ]


def _action_logs(service: _Service, many: int) -> list[Figure]:
    integration = _connected(service)
    assert call("POST", f"/integrations/{integration}/actions/order", body={"parameters": {"sku": "A-1"}}).status == 200
    [row] = _rows("LogsTable", f"acme#{integration}")
    path = f"/integrations/{integration}/logs?limit=20"
    return [
        _page(service, "page of logs", path, row, many),
        _page(service, "page of logs before a time", f"{path}&toDate=", row, many),
        _page(service, "page of logs of an action", f"{path}&action=order", row, many),
        _bounded(service, "logs read to filter by status", f"{path}&status=error", row, many),
    ]


def _rows(table: str, partition: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.dynamodb().query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": partition}}
    )["Items"]
    return found


def _page(service: _Service, name: str, path: str, row: dict[str, Any], many: int) -> Figure:
    """Read units of a page before `many` rows over those of the same page before 100."""
    few, lots = (_asked(service, path, row, rows) for rows in (100, many))
    note = f"{lots.reads:g} units, {lots.queried} rows read; rows made as the handlers ask for them"
    return Figure(f"{name}, {many:,} rows over 100", lots.reads / few.reads, "x", 1.0, note=note)


def _bounded(service: _Service, name: str, path: str, row: dict[str, Any], many: int) -> Figure:
    """Rows that a page reads at most where none of `many` fits."""
    bill = _asked(service, path, row, many)
    return Figure(name, bill.queried, "rows", 1000, note=f"{bill.reads:g} units; none of {many:,} fits")


def _asked(service: _Service, path: str, row: dict[str, Any], count: int) -> Bill:
    newest = now_ms()
    # Half of the rows are behind the time that is asked for.
    target = path + quote(iso_millis(newest - count // 2)) if path.endswith("=") else path
    with standing_in(Rows(row, count, newest), "EventsTable" if "attempts" in row else "LogsTable"):
        return service.bill(lambda: call("GET", target))


def _scans(costs: Costs) -> int:
    return sum(bill.calls["dynamodb:Scan"] for bill in costs.bills)
