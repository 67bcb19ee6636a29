"""Refreshing the catalogue from a list of Zapier's shape, and serving it: real handlers, S3 on moto, a real server."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from jobsprint.catalog import published, zapier
from jobsprint.catalog.builtin import builtin
from jobsprint.catalog.search import find_app
from jobsprint.core import aws as clients
from jobsprint.core.errors import UpstreamFailed
from tests.conftest import forget_settings
from tests.support.call import Context, call, handler
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.rows import capability, stored
from tests.support.template import ROOT

pytestmark = pytest.mark.usefixtures("aws")

LISTED = [{"id": f"{n:08d}-0", "title": f"Listed App {n}", "description": "Of the list"} for n in range(250)]


class Zapier:
    """A server of Zapier's shape; `apps` is what it lists, `replies` what it answers first instead."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.apps: list[Any] = LISTED
        self.announced: int | None = None
        self.replies: list[Reply] = []
        self.slept: list[float] = []
        receiver.answer = self.answer

    @property
    def queries(self) -> list[dict[str, str]]:
        return [
            {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
            for request in self.receiver.received
        ]

    def answer(self, request: Received) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        query = parse_qs(urlsplit(request.path).query)
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        count = len(self.apps) if self.announced is None else self.announced
        return Reply(
            200,
            {"meta": {"count": count, "limit": limit, "offset": offset}, "data": self.apps[offset : offset + limit]},
        )


@pytest.fixture
def list_(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zapier]:
    """A configured source; waits are noted instead of waited for."""
    with receiving() as receiver:
        source = Zapier(receiver)
        monkeypatch.setenv("ZAPIER_CLIENT_ID", "client-1")
        monkeypatch.setenv("CATALOG_SOURCE_URL", f"{receiver.url}/v2/apps")
        monkeypatch.setattr(zapier.time, "sleep", source.slept.append)
        forget_settings()
        yield source
        forget_settings()


def refresh() -> Any:
    return handler("refresh_catalog")({}, Context())


def found(query: str, tenant: str = "acme") -> list[str]:
    """The ids of the first page, by a container that asks S3 again."""
    published.forget()
    answer = call("GET", f"/integrations/available?{query}", tenant=tenant)
    assert answer.status == 200, answer.body
    return [app["id"] for app in answer.data]


# --- refreshing -------------------------------------------------------------------------------------------------------


def test_the_whole_list_page_by_page(list_: Zapier) -> None:
    assert refresh() == {"source": "zapier", "applications": len(builtin().apps) + 250, "published": True}
    assert [query["offset"] for query in list_.queries] == ["0", "100", "200"]
    assert {(query["client_id"], query["limit"]) for query in list_.queries} == {("client-1", "100")}
    assert list_.slept == [zapier.PACE_SECONDS] * 2
    assert 60 / zapier.PACE_SECONDS < 60, "Zapier allows 60 requests a minute"
    assert found("query=listed+app+7")[0] == "zapier_listed_app_7"
    assert found("query=email")[:2] == ["zapier_gmail", "zapier_outlook"]


def test_what_was_listed_can_be_connected(list_: Zapier) -> None:
    refresh()

    answer = call("POST", "/integrations/zapier_listed_app_7/connect", body={})
    assert answer.status != 404
    app = find_app("zapier_listed_app_7")
    assert app is not None
    assert (app.name, app.type, app.description) == ("Listed App 7", "zapier", "Of the list")
    assert call("POST", "/integrations/zapier_no_such_app/connect", body={}).error["code"] == "application_not_found"


def test_a_page_may_be_shorter_than_asked_for(list_: Zapier) -> None:
    list_.replies = [Reply(200, {"meta": {"count": 3}, "data": LISTED[:2]})]
    list_.apps, list_.announced = LISTED[:3], 3

    assert refresh()["applications"] == len(builtin().apps) + 3


def test_429_is_waited_for(list_: Zapier) -> None:
    list_.replies = [Reply(429, {}, {"Retry-After": "7"}), Reply(429, {}), Reply(429, {}, {"Retry-After": "9999"})]

    assert refresh()["published"] is True
    assert list_.slept[:3] == [7, 60, 180]


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (Reply(500, {}), 4),
        (Reply(200, b"<html>"), 4),
        (Reply(200, {"data": None}), 4),
        (Reply(302, {}, {"Location": "http://127.0.0.1:1/"}), 4),
        (Reply(401, {"errors": []}), 1),
        (Reply(429, {}), 4),
    ],
)
def test_a_failing_source_changes_nothing(list_: Zapier, reply: Reply, tries: int) -> None:
    refresh()
    list_.receiver.received.clear()
    list_.replies = [reply] * 10

    with pytest.raises(UpstreamFailed) as failed:
        refresh()

    assert failed.value.code == "list_unavailable"
    assert "client-1" not in failed.value.message
    assert len(list_.queries) == tries
    assert found("query=listed+app+7")[0] == "zapier_listed_app_7"


@pytest.mark.parametrize(("apps", "announced"), [([], 0), ([], 250), (LISTED[:100], 250)])
def test_half_a_list_changes_nothing(list_: Zapier, apps: list[Any], announced: int) -> None:
    refresh()
    list_.apps, list_.announced = apps, announced

    with pytest.raises(UpstreamFailed) as failed:
        refresh()

    assert failed.value.code == "list_incomplete"
    assert found("query=listed+app+7")[0] == "zapier_listed_app_7"


def test_the_same_list_is_not_published_again(list_: Zapier) -> None:
    refresh()
    assert refresh()["published"] is False
    list_.apps = [*LISTED, {"title": "One more"}]
    assert refresh()["published"] is True
    assert found("query=one+more")[0] == "zapier_one_more"


def test_without_a_client_id_nobody_is_asked(list_: Zapier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPIER_CLIENT_ID", "")
    forget_settings()

    assert refresh() == {"source": "builtin", "applications": len(builtin().apps), "published": True}
    assert refresh()["published"] is False
    assert list_.queries == []
    assert found("query=email")[:2] == ["zapier_gmail", "zapier_outlook"]


# --- serving ----------------------------------------------------------------------------------------------------------


class Calls(list[str]):
    """The S3 operations that went out, by name."""


@pytest.fixture
def s3_calls() -> Iterator[Calls]:
    calls = Calls()
    events = clients.s3().meta.events
    events.register("before-call.s3", lambda model, **_: calls.append(model.name), unique_id="calls")
    yield calls
    events.unregister("before-call.s3", unique_id="calls")


def test_s3_is_asked_once_in_five_minutes(list_: Zapier, s3_calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh()
    published.forget()
    s3_calls.clear()
    now = [1000.0]
    monkeypatch.setattr(published.time, "monotonic", lambda: now[0])

    def seen() -> bool:
        answer = call("GET", "/integrations/available?query=one+more")
        return "zapier_one_more" in [app["id"] for app in answer.data]

    assert not seen()
    assert not seen()
    assert s3_calls == ["GetObject"]
    list_.apps = [*LISTED, {"title": "One more"}]
    refresh()
    s3_calls.clear()
    now[0] += published.CHECK_SECONDS - 1
    assert not seen()
    assert s3_calls == []
    now[0] += 1
    assert seen()
    index = published.index()
    now[0] += published.CHECK_SECONDS
    assert seen()
    assert published.index() is index, "unchanged by ETag, so not read again"
    assert s3_calls == ["GetObject", "GetObject"]


def test_without_a_published_index_the_built_in_list_serves(s3_calls: Calls) -> None:
    assert found("query=email")[:2] == ["zapier_gmail", "zapier_outlook"]
    assert call("GET", "/integrations/available?query=slack").data
    assert s3_calls == ["GetObject"]
    assert find_app("zapier_no_such_app") is None


def test_connecting_what_is_built_in_asks_nobody(s3_calls: Calls) -> None:
    published.forget()
    for app_id in ("zapier_slack", "n8n_workflows", "n8n_nothing", "custom_webhook", "mcp_server", "nonsense"):
        find_app(app_id)
    assert s3_calls == []


@pytest.mark.parametrize("content", [b"", b"not gzip", "gzip of no database"])
def test_a_broken_object_does_no_harm(content: Any) -> None:
    import gzip

    body = gzip.compress(content.encode()) if isinstance(content, str) else content
    clients.s3().put_object(Bucket="catalog", Key=published.KEY, Body=body)

    assert found("query=email")[:2] == ["zapier_gmail", "zapier_outlook"]


def test_while_s3_fails_what_is_held_serves(list_: Zapier, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh()
    found("query=email")
    monkeypatch.setenv("CATALOG_BUCKET", "no-such-bucket-403")
    forget_settings()
    events = clients.s3().meta.events
    events.register("before-call.s3", _refuse, unique_id="refuse")
    try:
        published._held.ask_at = 0
        assert call("GET", "/integrations/available?query=listed+app+7").data[0]["id"] == "zapier_listed_app_7"
        assert find_app("zapier_listed_app_7") is not None
        published.forget()
        assert call("GET", "/integrations/available?query=slack").data[0]["id"] == "zapier_slack"
        for _ in range(2):
            answer = call("POST", "/integrations/zapier_listed_app_7/connect", body={})
            assert (answer.status, answer.error["code"]) == (502, "catalogue_unavailable")
    finally:
        events.unregister("before-call.s3", unique_id="refuse")


def _refuse(**_: Any) -> None:
    answer: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    raise ClientError(answer, "GetObject")


def test_the_template_grants_exactly_that_object() -> None:
    text = (ROOT / "template.yaml").read_text()

    assert text.count("${CatalogBucket.Arn}/") == text.count(f"${{CatalogBucket.Arn}}/{published.KEY}") == 3


# --- a tenant's own ---------------------------------------------------------------------------------------------------


def test_a_tenants_own_tools_are_its_own() -> None:
    tools = (capability("forecast_demand"), capability("getSnowReport"))
    own = stored(kind="mcp", name="Alpine tools", capabilities=tools)
    stored(kind="mcp", name="Departed", capabilities=tools, status="disconnected")

    for query in (
        "query=forecast+demand",
        "query=alpine",
        "query=alpine+tolls",
        "query=getsnowreport",
        "query=alpine&type=mcp",
    ):
        assert found(query)[0] == own.id, query
    for query in ("query=forecast+demand", "query=alpine", "query=getsnowreport"):
        assert own.id not in found(query, tenant="other")
    assert found("query=departed") == []
    assert found("query=alpine&type=zapier") == []
    (shown,) = call("GET", "/integrations/available?query=alpine").data
    assert shown["capabilities"] == ["forecast_demand", "getSnowReport"]
    assert (shown["type"], shown["category"], shown["icon"]) == ("mcp", "Other", own.icon)


def test_its_own_come_last_among_equals() -> None:
    own = stored(kind="zapier", name="Slack", capabilities=(capability("send_channel_message"),))

    assert found("query=slack") == ["zapier_slack", "n8n_slack", own.id]
    assert found("query=email")[:2] == ["zapier_gmail", "zapier_outlook"]


def test_pages_go_through_both(list_: Zapier) -> None:
    own = [stored(kind="mcp", name=f"Listed own {n}", made_at=1_735_689_600_000 + n) for n in range(5)]
    refresh()
    published.forget()
    seen: list[str] = []
    cursor = ""
    while True:
        answer = call("GET", f"/integrations/available?query=listed&limit=100{cursor}")
        seen += [app["id"] for app in answer.data]
        if not answer.body["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"

    assert len(seen) == len(set(seen)) >= 255
    assert set(seen[250:255]) == {integration.id for integration in own}
