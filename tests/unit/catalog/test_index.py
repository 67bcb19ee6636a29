"""Ranking, prefixes, filters and pages over the built-in list."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.index import Index, build

BUILT_IN = build(builtin().apps.values(), builtin().synonyms)


def found(query: str | None, count: int = 10, category: str | None = None, kind: str | None = None) -> list[str]:
    return [BUILT_IN.app(hit).id for hit in BUILT_IN.search(query, category, kind, count)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("email", ["zapier_gmail", "zapier_outlook"]),
        ("SLACK", ["zapier_slack", "n8n_slack"]),
        ("crm", ["zapier_salesforce", "zapier_hubspot"]),
        ("hub spot", ["zapier_hubspot"]),
        ("googlesheets", ["zapier_google_sheets"]),
        ("google sh", ["zapier_google_sheets"]),
        ("twitter", ["zapier_x"]),
        ("send sms", ["zapier_twilio"]),
        ("File Storage", ["zapier_google_drive"]),
        ("where can i store my files", ["zapier_google_drive"]),
        ("gogle shets", ["zapier_google_sheets"]),
        ("calender", ["zapier_google_calendar"]),
        ("acounting", ["zapier_quickbooks_online"]),
        ("crete invoice", ["zapier_stripe"]),
        ("monday", ["zapier_monday_com"]),
        ("n8n", ["n8n_workflows"]),
        ("mcp", ["mcp_server"]),
    ],
)
def test_what_comes_first(query: str, first: list[str]) -> None:
    assert found(query)[: len(first)] == first


@pytest.mark.parametrize("query", ["nothing-like-this", "🎉", "xqzvkw", '"', "*", "^", "-", "(", "'"])
def test_what_is_not_there(query: str) -> None:
    assert found(query) == []


def test_every_beginning_of_a_name_finds_it() -> None:
    for name, app_id in (("salesforce", "zapier_salesforce"), ("google calendar", "zapier_google_calendar")):
        for length in range(3, len(name) + 1):
            assert app_id in found(name[:length].strip()), name[:length]


def test_equally_relevant_ones_stand_by_popularity() -> None:
    for query in ("email", "google", "crm", "forms", None):
        hits = BUILT_IN.search(query, None, None, 2000)
        order = [(hit.grade, -BUILT_IN.app(hit).popularity) for hit in hits]
        assert order == sorted(order)


@pytest.mark.parametrize("query", [None, "", "  ", "s", "email", "create"])
@pytest.mark.parametrize("category", [None, "email", "Phone & SMS", "No such category", "!"])
@pytest.mark.parametrize("kind", [None, "n8n", "custom", "webhook"])
def test_filters_leave_out_and_add_nothing(query: str | None, category: str | None, kind: str | None) -> None:
    every = [BUILT_IN.app(hit) for hit in BUILT_IN.search(query, None, None, 5000)]
    kept = [
        app.id
        for app in every
        if (category is None or app.category.lower() == category.lower()) and (kind is None or app.type == kind)
    ]
    assert found(query, 5000, category, kind) == kept


@pytest.mark.parametrize("query", [None, "email", "google", "send", "salesforc"])
def test_fewer_are_the_beginning_of_more(query: str | None) -> None:
    every = found(query, 5000)

    assert len(set(every)) == len(every)
    for count in (1, 2, 7, 21, 100):
        assert found(query, count) == every[:count]


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_query(query: str) -> None:
    assert len(found(query, 5)) <= 5


def test_an_index_file_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    build(builtin().apps.values(), builtin().synonyms, path=file, digest="abc").close()
    opened = Index.open_file(file)

    assert (len(opened), opened.digest) == (len(builtin().apps), "abc")
    assert [opened.app(hit).id for hit in opened.search("email", None, None, 50)] == found("email", 50)
    assert opened.find("zapier_nothing") is None
    slack = opened.find("zapier_slack")
    assert slack is not None
    assert (slack.name, slack.capabilities) == ("Slack", ("send_message", "create_channel", "add_user"))
    opened.close()


@pytest.fixture
def odd() -> Index:
    """An index of applications whose names are not English words."""
    names = ("日本語アプリ", "Ünïcode", "  ", "'; DROP TABLE apps; --", "a" * 100)
    return build([App(f"zapier_{n}", "zapier", name, "d", "C", 1) for n, name in enumerate(names)], {})


def test_names_in_any_script_are_found(odd: Index) -> None:
    for query, app_id in (("日本語アプリ", "zapier_0"), ("unicode", "zapier_1"), ("drop table", "zapier_3")):
        assert [odd.app(hit).id for hit in odd.search(query, None, None, 5)] == [app_id]
