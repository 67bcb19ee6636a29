"""The request limit of a tenant at the real handlers: 429, headers, writes, and what happens when it fails."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from jobsprint.api import request_limit
from jobsprint.core import aws
from jobsprint.core.observability import NAMESPACE
from jobsprint.domain.token_bucket import Limit
from tests.conftest import forget_settings
from tests.support.call import Answer, call
from tests.support.rows import rows
from tests.support.template import functions, resources, routes

NOW = 1_800_000_000_000


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


def limit(monkeypatch: pytest.MonkeyPatch, rate: int, burst: int) -> None:
    monkeypatch.setenv("TENANT_RATE", str(rate))
    monkeypatch.setenv("TENANT_BURST", str(burst))
    forget_settings()


@pytest.fixture(autouse=True)
def clock(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Clock:
    limit(monkeypatch, 10, 20)
    clock = Clock()
    monkeypatch.setattr(request_limit, "now_ms", clock)
    return clock


@contextmanager
def counting() -> Iterator[list[str]]:
    """The tables of the writes of the limiter's client."""
    written: list[str] = []
    events = aws.limits_dynamodb().meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        written.append(params["TableName"])

    events.register("provide-client-params.dynamodb.UpdateItem", note)
    yield written
    events.unregister("provide-client-params.dynamodb.UpdateItem", note)


def read(tenant: str = "acme") -> Answer:
    return call("GET", "/event-types", tenant=tenant)


def change(tenant: str = "acme") -> Answer:
    return call("PUT", "/event-types", tenant=tenant, body={"name": "order.paid"})


def test_over_the_limit_is_429_with_what_to_do_and_the_rest_passes(clock: Clock) -> None:
    answers = [change() for _ in range(30)]
    assert [answer.status for answer in answers].count(429) == 10
    refused = answers[-1]
    assert (refused.status, refused.error["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"] == '"tenant";r=0;t=2'
    assert refused.headers["RateLimit-Policy"] == '"tenant";q=20;w=2'
    assert change("globex").status == 201, "each tenant has its own"
    clock.ms += 1000
    assert [change().status for _ in range(12)] == [200] * 10 + [429] * 2


def test_every_answer_says_what_is_left_also_a_refusal(clock: Clock) -> None:
    assert change().headers["RateLimit"] == '"tenant";r=19;t=1'
    assert read().headers["RateLimit"] == '"tenant";r=18;t=1'
    answer = call("GET", "/event-types", scopes="actions:execute")
    assert (answer.status, answer.headers["RateLimit"]) == (403, '"tenant";r=17;t=1')
    assert call("GET", "/integrations/int_x").headers["RateLimit"].startswith('"tenant";r=16')
    exposed = read().headers["Access-Control-Expose-Headers"].split(",")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= {*exposed}
    assert "RateLimit" not in call("GET", "/health", tenant=None).headers


@pytest.mark.parametrize("operation", [read, change])
def test_containers_share_the_limit(clock: Clock, operation: Any) -> None:
    passed = 0
    shares: list[Any] = [None] * 5
    for second in range(20):
        for number in range(100):
            if number % 20 == 0:  # the next container
                request_limit.forget()
                if shares[number // 20]:
                    request_limit._shares["acme"] = shares[number // 20]
            passed += operation().status != 429
            shares[number // 20] = request_limit._shares.get("acme")
            clock.ms += 10
        if second == 4:
            break
    assert passed <= 1.1 * (20 + 10 * 5) + 5
    assert passed >= 0.8 * (20 + 10 * 5)


def test_a_write_counts_up_to_ten_requests_in_the_table_of_limits_alone(clock: Clock, monkeypatch: Any) -> None:
    limit(monkeypatch, 100, 200)
    with counting() as written:
        for _ in range(41):
            assert change().status in (200, 201)
            clock.ms += 20
    assert len(written) == 5
    assert {*written} == {"LimitsTable"}


def test_reads_below_half_the_limit_write_hardly_anything(clock: Clock, monkeypatch: Any) -> None:
    limit(monkeypatch, 100, 200)
    with counting() as written:
        for _ in range(9):
            read()
            clock.ms += 25
        assert written == []
        for _ in range(150):
            assert read().status == 200
            clock.ms += 25
    assert len(written) <= 3


def test_a_tenant_without_requests_for_a_day_leaves_nothing(clock: Clock) -> None:
    change()
    [row] = [json.loads(row.partition(" ")[2]) for row in rows("LimitsTable")]
    assert int(row["expiresAt"]["N"]) == NOW // 1000 + 86_400
    assert {*row} == {"tenant", "fullAt", "countedBy", "countedAt", "expiresAt"}


@contextmanager
def failing() -> Iterator[list[int]]:
    """The table of limits cannot be reached; the number of tries."""
    tries: list[int] = []
    events = aws.limits_dynamodb().meta.events

    def fail(**_: Any) -> None:
        tries.append(1)
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    events.register("before-call.dynamodb.UpdateItem", fail)
    yield tries
    events.unregister("before-call.dynamodb.UpdateItem", fail)


def test_requests_pass_while_the_limiter_fails_and_an_alarm_rings(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with failing() as tries:
        assert [change().status for _ in range(10)] == [201] + [200] * 9
    assert len(tries) == 1, "after a failure no write is tried for a second"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RequestLimitFailed" in line]
    [metric] = [line for line in lines if "_aws" in line]
    [directive] = metric["_aws"]["CloudWatchMetrics"]
    alarm = resources("AWS::CloudWatch::Alarm")["RequestLimitAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, "RequestLimitFailed")
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [[dimension["Name"] for dimension in alarm["Dimensions"]]]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "notBreaching")


def test_a_limiter_that_hangs_holds_up_a_request_by_a_second_at_most() -> None:
    config = aws.limits_dynamodb().meta.config
    assert config.connect_timeout + config.read_timeout <= 1
    assert config.retries["total_max_attempts"] == 1


def test_concurrent_changes_of_the_bucket_lose_nothing(clock: Clock) -> None:
    from jobsprint.repositories import request_rates

    limit = Limit(100, 200)
    before = request_rates.add("acme", "a", limit, 10, seen=0, now=NOW)
    assert (before.full_at, before.counted_by) == (0, "")
    before = request_rates.add("acme", "b", limit, 10, seen=0, now=NOW)  # it was believed to be full
    assert (before.full_at, before.counted_by) == (NOW + 100, "a")
    before = request_rates.add("acme", "a", limit, 5, seen=NOW + 200, now=NOW + 10)
    assert (before.full_at, before.counted_by) == (NOW + 200, "b")
    before = request_rates.add("acme", "a", limit, 5, seen=NOW + 250, now=NOW + 5000)  # it is full again
    assert before.full_at == NOW + 250
    assert request_rates.add("acme", "a", limit, 1, seen=NOW + 5050, now=NOW + 5000).full_at == NOW + 5050


def test_a_wrong_clock_locks_no_tenant_out(clock: Clock) -> None:
    clock.ms += 86_400_000
    change()
    request_limit.forget()
    clock.ms = NOW
    assert [change().status for _ in range(21)] == [200] * 20 + [429]
    clock.ms += 1000
    assert change().status == 200


def test_every_protected_function_may_change_the_table_of_limits_and_nothing_else_of_it() -> None:
    limits = {"Fn::GetAtt": "LimitsTable.Arn"}
    public = {
        folder
        for folder, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
    }
    allowed = {
        folder: statement["Action"]
        for folder, properties in functions().items()
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
        if statement["Resource"] == limits
    }
    # These are public for API Gateway alone: they check a token or a code themselves, and limit guesses by address.
    guessed = {"serve_mcp", "exchange_portal_code"}
    assert allowed == dict.fromkeys({*routes().values()} - public | guessed, "dynamodb:UpdateItem")
