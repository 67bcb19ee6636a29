"""Every hostile receiver alone with the dispatcher, its time and memory; all of them together; and any bytes at all."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.delivery import attempt as attempts
from jobsprint.outbound.address_policy import AddressPolicy
from jobsprint.outbound.client import KINDS, Client, Request, Response
from jobsprint.security.credentials import Credentials
from tests.support.deliveries import Outbox, watching_sqs
from tests.support.hostile import CASES, Case, Served, serving
from tests.support.receiver import receiving
from tests.support.sender import Sent, loopback, send_to, sending
from tests.support.sockets import Receiver, hangs, says

SHORT = 1.0
TOLERANCE = 0.5  # for a busy machine
MAX_GROWTH_MB = 8
BATCH = 9
FUZZ = 2_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest.fixture
def outbox(aws: dict[str, Any]) -> Iterator[Outbox]:
    with watching_sqs() as box:
        yield box


def wrong(case: Case, sent: Sent, budget: float) -> str:
    """A description of the first difference from the expected attempt; empty where there is none."""
    attempt = sent.attempt(case.name)
    if difference := case.differs(attempt, sent.state(case.name)):
        return difference
    if attempt["durationMs"] > (budget + TOLERANCE) * 1000:
        return f"{case.name}: {attempt['durationMs']} ms"
    phases = sum(attempt["timings"].get(phase, 0) for phase in ("dns", "connect", "tls", "first_byte"))
    return "" if phases <= attempt["timings"]["total"] + 4 else f"{case.name}: {attempt['timings']}"  # each is rounded


def test_each_alone_ends_in_time_with_its_own_failure_and_bounded_memory(
    served: Served, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, growths, slowest, late = [], [], 0.0, 0
    with sending(monkeypatch, budget=SHORT, bundle=served.bundle, resolver=loopback), receiving() as honest:
        send_to(
            outbox, {"warm up": honest.url}
        )  # the first send of a container loads code, which is no growth by an attack
        for case in CASES:
            sent = send_to(outbox, {case.name: served.urls[case.name]})
            growths.append(sent.grown_mb)
            slowest = max(slowest, sent.seconds)
            late += sent.seconds > SHORT + TOLERANCE
            if problem := wrong(case, sent, SHORT):
                problems.append(problem)
    print(
        f"\nhostile receivers: {len(CASES)}, as they must: {len(CASES) - len(problems)}, "
        f"within {SHORT:g} s: {len(CASES) - late} (slowest {slowest:.2f} s), RSS growth max {max(growths):.1f} MB"
    )
    assert problems == []
    assert late == 0
    assert max(growths) < MAX_GROWTH_MB


def test_none_of_them_holds_up_an_honest_receiver_of_its_batch(
    served: Served, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, honest_ms = [], []
    with sending(monkeypatch, budget=SHORT, bundle=served.bundle, resolver=loopback), receiving() as honest:
        for first in range(0, len(CASES), BATCH):
            batch = CASES[first : first + BATCH]
            urls = {case.name: served.urls[case.name] for case in batch}
            sent = send_to(outbox, {"honest": honest.url, **urls})
            honest_ms.append(sent.attempt("honest")["durationMs"])
            problems += [problem for case in batch if (problem := wrong(case, sent, SHORT))]
            assert sent.seconds < SHORT + TOLERANCE
    print(f"\nhonest receivers among nine hostile ones: {len(honest_ms)}, slowest {max(honest_ms)} ms of {SHORT:g} s")
    assert problems == []
    assert max(honest_ms) < SHORT * 700


def test_the_real_budget(served: Served, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [case for case in CASES if (case.failure or "").startswith("timeout")]
    with sending(monkeypatch, bundle=served.bundle, resolver=loopback):
        sent = send_to(outbox, {case.name: served.urls[case.name] for case in slow[:10]})
    problems = [problem for case in slow[:10] if (problem := wrong(case, sent, attempts.BUDGET_SECONDS))]
    print(f"\nthe slow ones with the real budget of {attempts.BUDGET_SECONDS:g} s: {sent.seconds:.2f} s")
    assert problems == []
    assert attempts.BUDGET_SECONDS - 0.1 < sent.seconds < attempts.BUDGET_SECONDS + TOLERANCE


def test_a_response_planted_behind_another_is_discarded(
    served: Served, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sending(monkeypatch, budget=SHORT, bundle=served.bundle, resolver=loopback):
        for _ in range(5):
            sent = send_to(outbox, {"trailing garbage": served.urls["trailing garbage"]})
            assert sent.attempt("trailing garbage")["httpStatus"] == 200


# --- any bytes ------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.0 204 No", b"HTTP/1.1 100 Continue", b"HTTP/1.1 302 Go", b"HTTP/1.1 ", b"HTTP/"),
        *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Connection: close"),
        *(
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
        ),
        *(b"Content-Encoding: deflate", b"Content-Encoding: zstd", b"Trailer: X", b"Location: file:///etc/passwd"),
        *(b"\r\n", b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\x00", b" ", b":", b"0\r\n\r\n", b"5\r\nhello\r\n"),
        *(b"ffffffff\r\n", b"hello", b"\x1f\x8b\x08\x00", b"\xff\xfe", b"X-A: " + b"y" * 2000),
    ]
)
_HTTP_LIKE = st.lists(_WORDS | st.binary(max_size=12), max_size=25).map(b"".join)
_AFTER_A_HEAD = st.binary(max_size=400).map(
    lambda body: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n" + body
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = Client(AddressPolicy(allow_private=True, allow_loopback=True), user_agent="Jobsprint-Test/1")
    yield client
    client.close()


@pytest.fixture(scope="module")
def parrot() -> Iterator[tuple[Receiver, Callable[[bytes, bool], None]]]:
    """A receiver whose response is set by the test, and which then closes or keeps the connection."""
    answer_now = {"bytes": b"", "closes": True}

    def script(connection: Any, request: bytes) -> None:
        says(bytes(answer_now["bytes"]))(connection, request)
        if answer_now["closes"]:
            connection.shutdown(2)
        else:
            hangs(connection, request)

    receiver = Receiver(script)
    yield receiver, lambda answer, closes: answer_now.update(bytes=answer, closes=closes)
    receiver.close()


def test_any_bytes_end_in_an_answer_or_a_typed_failure(
    client: Client, parrot: tuple[Receiver, Callable[[bytes, bool], None]]
) -> None:
    receiver, tell = parrot
    ends: Counter[str] = Counter()

    @settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=300) | _HTTP_LIKE | _AFTER_A_HEAD, st.integers(0, 9))
    def one(answer: bytes, chance: int) -> None:
        closes = chance > 0
        tell(answer, closes)
        request = Request("POST", receiver.url, {}, b"{}", repeatable=True)
        outcome = client.send(request, timeout=1.0 if closes else 0.2, max_body=1024)
        assert outcome.duration_ms < 1_000 + TOLERANCE * 1000
        if isinstance(outcome, Response):
            assert 200 <= outcome.status <= 999
            assert len(outcome.body) <= 1024
            ends["answer"] += 1
        else:
            assert outcome.kind in KINDS
            assert outcome.sent or outcome.kind == "timeout_connect"  # a busy machine
            ends[outcome.reason] += 1
        attempts.AttemptRecordBuilder(Credentials("https://hooks.example.com/", secrets=("your_secret",))).build(
            outcome, 1, 0
        )

    one()
    shown = ", ".join(f"{name} {count}" for name, count in ends.most_common())
    print(f"\nfuzzed answers: {sum(ends.values())} ({shown})")
    assert ends.keys() - {"answer"} <= {
        *("reset", "headers_too_large", "timeout_connect", "timeout_headers", "timeout_body", "protocol"),
        *(f"protocol: {detail}" for detail in ("status_line", "header", "chunking", "encoding")),
    }
    assert ends["answer"]
    assert Path("/proc/self/fd").exists() is False or len(list(Path("/proc/self/fd").iterdir())) < 500
