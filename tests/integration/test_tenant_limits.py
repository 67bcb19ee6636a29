"""How many webhooks, integrations and event types a tenant may have: exact, whatever runs at once or dies."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from jobsprint.core import aws
from jobsprint.core.errors import Conflict
from jobsprint.domain.events import EventType
from jobsprint.domain.integrations import DeliveryPolicy
from jobsprint.integrations import service as integrations
from jobsprint.repositories import counted_items
from jobsprint.repositories.event_types import EventTypeStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.webhooks import service as webhooks
from tests.conftest import forget_settings
from tests.support.call import Answer, Died, call
from tests.support.rows import rows
from tests.support.template import resources

LIMIT = 7
HOOK = "https://hooks.example.com/in"


def create_webhook(number: int, tenant: str = "acme") -> Answer:
    body = {"name": f"hook {number}", "url": HOOK, "events": ["a"]}
    return call("POST", "/integrations/webhooks", tenant=tenant, body=body)


def connect(number: int, tenant: str = "acme") -> Answer:
    body = {"name": f"custom {number}", "url": HOOK}
    return call("POST", "/integrations/custom_webhook/connect", tenant=tenant, body=body)


def put_event_type(number: int, tenant: str = "acme") -> Answer:
    return call("PUT", "/event-types", tenant=tenant, body={"name": f"order.type{number}"})


KINDS: dict[str, tuple[Callable[..., Answer], str, str]] = {
    "webhooks": (create_webhook, "MaxWebhooks", "/integrations/webhooks?limit=100"),
    "integrations": (connect, "MaxIntegrations", "/integrations?type=custom&limit=100"),
    "event_types": (put_event_type, "MaxEventTypes", "/event-types?limit=100"),
}


# A handler works one request at a time, so what runs at once in this process calls the services behind it.
def code_of(create: Callable[[int], object]) -> Callable[[int], str]:
    """The same, which gives the code of its Conflict, or nothing."""

    def attempt(number: int) -> str:
        try:
            create(number)
        except Conflict as error:
            return error.code
        return ""

    return attempt


TARGET = {"url": HOOK, "events": ["a"]}
SERVICES = {
    "webhooks": code_of(lambda number: webhooks.create("acme", f"hook {number}", TARGET, DeliveryPolicy())),
    "integrations": code_of(
        lambda number: integrations.connect("acme", "custom_webhook", {"name": f"{number}", "url": HOOK}, api_url="")
    ),
    "event_types": code_of(lambda number: EventTypeStore("acme").put(EventType(f"order.t{number}", "off", 0, 0))),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def limits(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setenv(f"MAX_{kind.upper()}", str(LIMIT))
    forget_settings()


def listed(kind: str, tenant: str = "acme") -> int:
    return len(call("GET", KINDS[kind][2], tenant=tenant).data)


@contextmanager
def at_transactions(do: Callable[[int], None], *, after: bool = False) -> Iterator[None]:
    """Calls `do` with the number of each transaction, before or after it is carried out."""
    numbers = iter(range(10_000))
    events = aws.dynamodb().meta.events
    name = f"{'after' if after else 'before'}-call.dynamodb.TransactWriteItems"

    def hook(**_: Any) -> None:
        do(next(numbers))

    events.register(name, hook)
    try:
        yield
    finally:
        events.unregister(name, hook)


def dies(_: int) -> None:
    raise Died


@kinds
def test_the_limit_is_exact_under_fifty_concurrent_creates(kind: str) -> None:
    KINDS[kind][0](0)
    with ThreadPoolExecutor(50) as threads:
        codes = list(threads.map(SERVICES[kind], range(1, 51)))
    assert Counter(codes) == {"": LIMIT - 1, f"too_many_{kind}": 51 - LIMIT}
    assert listed(kind) == LIMIT


@kinds
def test_the_conflict_names_the_limit_and_its_parameter(kind: str) -> None:
    create, parameter, _ = KINDS[kind]
    assert [create(number).status for number in range(LIMIT)] == [201] * LIMIT
    answer = create(LIMIT)
    assert (answer.status, answer.error["code"]) == (409, f"too_many_{kind}")
    assert f"may have {LIMIT} " in answer.error["message"]
    assert parameter in answer.error["message"]
    assert create(0, tenant="globex").status == 201


@kinds
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_it_stays_exact_when_a_process_dies(kind: str, after: bool) -> None:
    create = KINDS[kind][0]
    with at_transactions(dies, after=after), pytest.raises(Died):
        create(100)
    statuses = [create(number).status for number in range(LIMIT + 3)]
    assert statuses.count(201) == LIMIT - after
    assert listed(kind) == LIMIT


def test_what_is_deleted_no_longer_counts_and_counts_once() -> None:
    ids = [create_webhook(number).data["id"] for number in range(LIMIT)]
    for _ in range(2):
        call("DELETE", f"/integrations/webhooks/{ids[0]}")
    assert [create_webhook(number).status for number in range(2)] == [201, 409]

    connected = [connect(number).data["id"] for number in range(LIMIT)]
    assert call("DELETE", f"/integrations/{connected[0]}").status == 409, "it is connected"
    assert connect(8).status == 409
    call("POST", f"/integrations/{connected[0]}/disconnect")
    assert connect(8).status == 409, "a disconnected one counts"
    stored = IntegrationStore("acme").get(connected[0])
    deletes = code_of(lambda _: IntegrationStore("acme").delete(stored, 0))
    with ThreadPoolExecutor(5) as threads:
        assert Counter(threads.map(deletes, range(5))) == {"": 1, "changed_meanwhile": 4}
    assert [connect(number).status for number in range(2)] == [201, 409]


def test_a_delete_whose_process_died_is_repeated_and_counts_once() -> None:
    ids = [create_webhook(number).data["id"] for number in range(LIMIT)]
    for after in (False, True):
        with at_transactions(dies, after=after), pytest.raises(Died):
            call("DELETE", f"/integrations/webhooks/{ids[0]}")
    assert call("DELETE", f"/integrations/webhooks/{ids[0]}").status == 404
    assert [create_webhook(number).status for number in range(2)] == [201, 409]


def test_replacing_an_event_type_is_allowed_at_the_limit() -> None:
    for number in range(LIMIT):
        put_event_type(number)
    assert put_event_type(0).status == 200
    assert listed("event_types") == LIMIT


def test_the_same_new_event_type_from_several_requests_counts_once() -> None:
    with ThreadPoolExecutor(10) as threads:
        puts = list(
            threads.map(lambda _: EventTypeStore("acme").put(EventType("order.type5", "off", 0, 0))[1], range(10))
        )
    assert Counter(puts) == {True: 1, False: 9}
    assert [put_event_type(10 + number).status for number in range(LIMIT)] == [201] * (LIMIT - 1) + [409]


def test_concurrent_transactions_that_dynamodb_cancels_are_repeated() -> None:
    def conflict(number: int) -> None:
        if number < 5:
            raise aws.dynamodb().exceptions.TransactionCanceledException(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],  # type: ignore[typeddict-unknown-key]
                },
                "TransactWriteItems",
            )

    with at_transactions(conflict):
        assert create_webhook(0).status == 201
    assert listed("webhooks") == 1


def test_paused_webhooks_count_and_the_early_check_agrees() -> None:
    first = create_webhook(0).data["id"]
    call("PATCH", f"/integrations/webhooks/{first}", body={"active": False})
    assert [create_webhook(number).status for number in range(1, LIMIT + 1)] == [201] * (LIMIT - 1) + [409]
    with pytest.raises(Conflict):
        counted_items.check("acme", "webhooks")
    counted_items.check("globex", "webhooks")


def test_collections_of_the_tenants_table_do_not_grow_with_requests() -> None:
    """A table with local indexes holds at most 10 GB of one partition key."""
    with_local_indexes = {
        name for name, table in resources("AWS::DynamoDB::Table").items() if "LocalSecondaryIndexes" in table
    }
    assert with_local_indexes == {"TenantsTable"}
    for number in range(3):
        body = {"event": "order.paid", "data": {"n": number}}
        assert call("POST", "/events", body=body, headers={"Idempotency-Key": f"k{number}"}).status == 202
    assert [row for row in rows("TenantsTable") if "acme#key" not in row] == [], "nothing but the data key"
    assert len(rows("RequestsTable")) == 3
