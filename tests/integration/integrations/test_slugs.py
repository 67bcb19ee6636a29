"""Slugs: each integration of a tenant has one of its own, from the first connect until it is deleted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobsprint.integrations import service as integrations
from tests.conftest import forget_settings
from tests.support.call import call
from tests.support.receiver import Receiver, receiving
from tests.support.rows import rows
from tests.support.zapier import TOKEN, FakeZapier

pytestmark = pytest.mark.usefixtures("aws")

HOOK = "https://hooks.example.com/in"


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def connect(name: str, tenant: str = "acme", target: str = "custom_webhook") -> str:
    """The id of an endpoint of that name, connected or connected again."""
    answer = call("POST", f"/integrations/{target}/connect", tenant=tenant, body={"name": name, "url": HOOK})
    assert answer.status in (200, 201), answer.body
    return str(answer.data["id"])


def slug_of(integration_id: str, tenant: str = "acme") -> Any:
    return call("GET", f"/integrations/{integration_id}", tenant=tenant).data["slug"]


def slugs_of(*names: str) -> list[Any]:
    """The slugs of newly connected endpoints of these names."""
    return [slug_of(connect(name)) for name in names]


def listed(query: str = "") -> dict[str, str]:
    return {one["id"]: one["slug"] for one in call("GET", f"/integrations?limit=100{query}").data}


def disconnect(integration_id: str) -> None:
    assert call("POST", f"/integrations/{integration_id}/disconnect").status == 200


def delete(integration_id: str) -> None:
    assert call("DELETE", f"/integrations/{integration_id}").status == 200


def test_every_view_shows_the_same_slug() -> None:
    made = [connect("Order desk") for _ in range(3)]

    shown = dict(zip(made, ("orderdesk", "orderdesk_2", "orderdesk_3"), strict=True))
    assert {id_: slug_of(id_) for id_ in made} == shown
    assert listed() == listed("&type=custom") == listed("&status=connected") == shown


def test_an_application_of_the_catalogue_gives_its_name(endpoint: Receiver) -> None:
    body = {"authType": "token", "token": TOKEN, "serverUrl": FakeZapier(endpoint).url, "name": "Sales team"}
    made = [call("POST", "/integrations/zapier_slack/connect", body=body).data["id"] for _ in range(2)]

    assert [slug_of(one) for one in made] == ["slack", "slack_2"]


def test_what_cannot_be_a_slug_becomes_one() -> None:
    names = {
        "Read": "readapp",
        "日本": "app",
        "中国": "app_2",
        "Jobsprint demo": "appjobsprintdemo",
        "slack 2": "slack2",
        "Slack": "slack",
        "SLACK": "slack_2",
    }
    assert slugs_of(*names) == list(names.values())


def test_long_names_leave_room_for_the_number() -> None:
    assert slugs_of(*["a" * 50] * 11)[-1] == "a" * 21 + "_11"


def test_rename_change_and_reconnect_keep_the_slug() -> None:
    made = connect("Orders")
    changed = call("PATCH", f"/integrations/{made}", body={"name": "Invoices"})
    assert (changed.data["name"], changed.data["slug"]) == ("Invoices", "orders")
    call("PATCH", f"/integrations/{made}", body={"url": f"{HOOK}/2"})
    disconnect(made)
    assert slug_of(made) == "orders"
    assert connect("Returns", target=made) == made
    assert slug_of(made) == "orders"
    assert slugs_of("Invoices") == ["invoices"]


def test_a_disconnected_integration_keeps_its_slug_and_a_deleted_one_frees_it() -> None:
    first, second = (connect("Orders") for _ in range(2))
    disconnect(first)
    assert slugs_of("Orders") == ["orders_3"]
    delete(first)
    assert slug_of(second) == "orders_2"
    assert slugs_of("Orders", "Orders") == ["orders", "orders_4"]


def test_tenants_do_not_share_slugs() -> None:
    mine, theirs = connect("Orders"), connect("Orders", tenant="globex")

    assert slug_of(mine) == slug_of(theirs, "globex") == "orders"
    disconnect(mine)
    delete(mine)
    assert slug_of(theirs, "globex") == "orders"
    assert slug_of(connect("Orders", tenant="globex"), "globex") == "orders_2"


def test_a_webhook_has_none() -> None:
    body = {"name": "Orders", "url": HOOK, "events": ["a"]}
    webhook = call("POST", "/integrations/webhooks", body=body).data
    detail = call("GET", f"/integrations/{webhook['id']}").data
    [summary] = call("GET", "/integrations?type=webhook").data

    assert not [view for view in (webhook, detail, summary) if "slug" in view]
    assert slugs_of("Orders") == ["orders"]


def test_concurrent_creates_get_slugs_of_their_own() -> None:
    # A handler works one request at a time, so what runs at once in this process calls the service behind it.
    def create(_: int) -> str:
        made = integrations.connect("acme", "custom_webhook", {"name": "Orders", "url": HOOK}, api_url="")
        return made.integration.slug

    with ThreadPoolExecutor(12) as threads:
        slugs = list(threads.map(create, range(24)))
    assert sorted(slugs) == sorted(["orders", *(f"orders_{number}" for number in range(2, 25))])
    assert sorted(listed().values()) == sorted(slugs)


def test_a_slug_lives_and_goes_with_its_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_INTEGRATIONS", "1")
    forget_settings()
    made = connect("Orders")
    refused = call("POST", "/integrations/custom_webhook/connect", body={"name": "Orders", "url": HOOK})
    assert (refused.status, refused.error["code"]) == (409, "too_many_integrations")
    refused = call("POST", "/integrations/custom_webhook/connect", body={"name": "Others", "url": HOOK})
    assert refused.status == 409
    held = [row for row in rows("TenantsTable") if "acme#slugs" in row]
    assert len(held) == 1
    assert made in held[0]
    disconnect(made)
    delete(made)
    assert not [row for row in rows("TenantsTable") if "acme#slugs" in row]
