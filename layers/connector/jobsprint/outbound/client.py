"""The HTTP client for addresses that tenants gave: nothing else in the product opens a connection to them.

In: requests, a time budget, a size cap. Out: for each a `Response`, or a `TransferFailure` that says what went wrong
and whether the receiver may have seen the request. Each send resolves and checks the host again, and connects only to
the addresses that passed (`outbound.pinning`, `outbound.transfer`).
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobsprint.outbound.address_policy import AddressPolicy, ForbiddenUrl, Target, check_url
from jobsprint.outbound.messages import (
    KINDS,
    Request,
    Response,
    TransferFailure,
    TransferResult,
    has_control_characters,
)
from jobsprint.outbound.pinning import Pins, Resolver, Unresolvable, check_addresses, start_lookup
from jobsprint.outbound.transfer import IDLE_SECONDS, POLL_SECONDS, Exchange, Transfer, TransferPool

__all__ = ["KINDS", "Client", "OnDone", "Request", "Response", "TransferFailure", "TransferResult"]

MAX_IN_FLIGHT = 100
"""Requests of one batch under way together; more wait their turn, and their budget starts with it."""

_BESIDE = -1  # the index of a request whose result nobody waits for

_CA_FILES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")

OnDone = Callable[[int, TransferResult], None]


class Client:
    """Sends requests to checked addresses and keeps connections alive between calls: one per container.

    For one thread at a time: a call during another, from `on_done` too, raises RuntimeError.

    `resolver` is a function like `socket.getaddrinfo`, by default `pinning.system_resolver`. `ca_file` is a PEM bundle;
    without one certifi's is used, then the system's. `clock` gives wall-clock seconds.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        user_agent: str,
        resolver: Resolver | None = None,
        ca_file: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if has_control_characters(user_agent):
            raise ValueError("the user agent has control characters")
        self._policy = policy
        self._resolver = resolver
        self._clock = clock
        self._pins = Pins()
        self._pool = TransferPool(policy, user_agent, _ca_file(ca_file))
        self._busy = False
        self._batch: _Batch | None = None
        self._last_used = clock()

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._pool.close()

    def send(self, request: Request, *, timeout: float, max_body: int) -> TransferResult:
        """Send one request; see `send_all`."""
        results: dict[int, TransferResult] = {}
        self.send_all([request], timeout=timeout, max_body=max_body, on_done=results.__setitem__)
        return results[0]

    def send_all(self, requests: Sequence[Request], *, timeout: float, max_body: int, on_done: OnDone) -> None:
        """Send all at once and call `on_done(index, result)` as each finishes, in this thread.

        `timeout`: seconds for each request, over DNS, TCP, TLS, head and body. `max_body`: bytes of each response kept
        after decompression. The batch takes the time of its slowest. While `on_done` runs nothing is read, so it should
        be short; if it raises, the other requests still finish, then the first error is raised.
        """
        if timeout <= 0 or max_body < 0:
            raise ValueError("timeout must be positive and max_body not negative")
        with self._exclusively():
            self._batch = _Batch(self._policy, self._resolver, self._pins, self._pool, timeout, max_body, on_done)
            self._batch.run(requests)

    def send_beside(self, request: Request) -> None:
        """Send one more request while a `send` is under way, from its request's `enough`, and drop the result.

        It has the limits of that `send`, and is abandoned when that ends. Raises RuntimeError without one.
        """
        if self._batch is None:
            raise RuntimeError("nothing is being sent")
        self._batch.add_beside(request)

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        if self._busy:
            raise RuntimeError("the client is in use")
        self._busy = True
        try:
            # libcurl's clock may stand still while the container is frozen, and does not notice what closed meanwhile.
            if abs(self._clock() - self._last_used) > IDLE_SECONDS:
                self._pool.drop_connections()
            yield
        finally:
            self._last_used = self._clock()
            self._busy, self._batch = False, None


def _ca_file(given: str | None) -> str:
    """The CA bundle: the given one, else certifi's if installed, else the system's. FileNotFoundError without any."""
    if given:
        if not Path(given).is_file():
            raise FileNotFoundError(f"no CA bundle at {given}")
        return given
    with suppress(ImportError):
        import certifi

        return certifi.where()
    found = next((path for path in _CA_FILES if Path(path).is_file()), None)
    if not found:
        raise FileNotFoundError("no CA bundle: install certifi or name one")
    return found


@dataclass(frozen=True)
class _Waiting:
    """A request whose host is being resolved."""

    index: int
    request: Request
    target: Target
    began: float
    deadline: float
    lookup: "Future[list[str]]"

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)

    def failed(self, kind: str, message: str, detail: str = "") -> TransferFailure:
        """A failure before anything was connected."""
        elapsed = self.elapsed_ms()
        timings = {"dns": elapsed, "total": elapsed}
        return TransferFailure(kind, message, sent=False, duration_ms=elapsed, timings=timings, detail=detail)


class _Batch:
    """The requests of one `send_all`: queued → resolving → in flight → done."""

    def __init__(
        self,
        policy: AddressPolicy,
        resolver: Resolver | None,
        pins: Pins,
        pool: TransferPool,
        timeout: float,
        max_body: int,
        on_done: OnDone,
    ) -> None:
        self._policy, self._resolver, self._pins, self._pool = policy, resolver, pins, pool
        self._timeout, self._max_body, self._on_done = timeout, max_body, on_done
        self._queued: deque[tuple[int, Request]] = deque()
        self._resolving: list[_Waiting] = []
        self._in_flight: dict[Any, tuple[int, Transfer]] = {}
        self._errors: list[Exception] = []
        self._awaited = 0
        # Of each URL, and of each host and port: many requests of a batch may share them.
        self._targets: dict[str, Target] = {}
        self._lookups: dict[tuple[str, int], Future[list[str]]] = {}
        self._allowed: dict[tuple[str, int], list[str]] = {}

    def run(self, requests: Sequence[Request]) -> None:
        """Work until every request is done; then raise the first error of `on_done`, if any."""
        self._queued.extend(enumerate(requests))
        self._awaited = len(requests)
        try:
            while self._awaited:
                self._start_queued()
                self._start_resolved()
                if not self._collect() and (self._resolving or self._in_flight):
                    self._pool.wait(self._until_next_deadline())
        finally:
            for _, transfer in self._in_flight.values():
                self._pool.release(transfer)
        if self._errors:
            raise self._errors[0]

    def add_beside(self, request: Request) -> None:
        """Send a request too, as long as others are awaited."""
        self._queued.append((_BESIDE, request))
        self._pool.wake()

    def _done(self, index: int, result: TransferResult) -> None:
        if index == _BESIDE:
            return
        self._awaited -= 1
        try:
            self._on_done(index, result)
        except Exception as error:  # noqa: BLE001 - raised at the end: the others are in flight and have results too
            self._errors.append(error)

    def _start_queued(self) -> None:
        while self._queued and len(self._resolving) + len(self._in_flight) < MAX_IN_FLIGHT:
            index, request = self._queued.popleft()
            began = time.monotonic()
            try:
                target = self._target(request.url)
            except ForbiddenUrl as error:
                self._done(index, TransferFailure(error.kind, str(error), False, 0, detail=error.address_class))
            else:
                lookup = self._lookup(target)
                self._resolving.append(_Waiting(index, request, target, began, began + self._timeout, lookup))

    def _target(self, url: str) -> Target:
        """The parts of a URL; raises ForbiddenUrl."""
        if url not in self._targets:
            self._targets[url] = check_url(url, self._policy)
        return self._targets[url]

    def _lookup(self, target: Target) -> "Future[list[str]]":
        key = (target.host, target.port)
        if key not in self._lookups:
            self._lookups[key] = start_lookup(target, self._resolver)
            if not self._lookups[key].done():
                self._lookups[key].add_done_callback(self._pool.wake)
        return self._lookups[key]

    def _start_resolved(self) -> None:
        waiting, self._resolving = self._resolving, []
        for one in waiting:
            if one.lookup.done():
                self._start(one)
            elif time.monotonic() < one.deadline:
                self._resolving.append(one)
            else:
                self._done(one.index, one.failed("dns", f"{one.target.host} did not resolve in time"))

    def _start(self, waiting: _Waiting) -> None:
        dns_ms = waiting.elapsed_ms()
        try:
            allowed = self._addresses(waiting)
        except ForbiddenUrl as error:
            self._done(waiting.index, waiting.failed(error.kind, error.reason, error.address_class))
        except Unresolvable as error:
            self._done(waiting.index, waiting.failed("dns", str(error)))
        else:
            exchange = Exchange(
                waiting.request, waiting.target, waiting.began, waiting.deadline, dns_ms, self._max_body
            )
            transfer = self._pool.start(exchange, self._pins.pin_for(waiting.target, allowed), allowed)
            self._in_flight[transfer.curl] = (waiting.index, transfer)

    def _addresses(self, waiting: _Waiting) -> list[str]:
        """The allowed addresses of a resolved host; raises ForbiddenUrl and Unresolvable."""
        key = (waiting.target.host, waiting.target.port)
        if key not in self._allowed:
            self._allowed[key] = check_addresses(waiting.lookup.result(), self._policy)
        return self._allowed[key]

    def _collect(self) -> bool:
        """Report the results of ended transfers; whether there were any, and so room for others."""
        ended = self._pool.finished() if self._in_flight else []
        results = [(curl, self._in_flight[curl][1].result(code, message)) for curl, code, message in ended]
        results += self._stopped({curl for curl, _ in results})
        for curl, result in results:
            index, transfer = self._in_flight.pop(curl)
            self._pool.release(transfer)
            self._done(index, result)
        return bool(results)

    def _stopped(self, ended: set[Any]) -> list[tuple[Any, TransferResult]]:
        """The results of transfers whose head decides and whose body has had its time."""
        now = time.monotonic()
        return [
            (curl, transfer.stopped())
            for curl, (_, transfer) in self._in_flight.items()
            if curl not in ended and (ends_at := transfer.body_ends_at) is not None and ends_at <= now
        ]

    def _until_next_deadline(self) -> float:
        """Seconds until a lookup is too late or a body has had its time; libcurl watches the other deadlines."""
        bodies = (transfer.body_ends_at for _, transfer in self._in_flight.values())
        deadlines = [one.deadline for one in self._resolving] + [end for end in bodies if end is not None]
        first = min(deadlines, default=None)
        return POLL_SECONDS if first is None else max(0.0, first - time.monotonic())
