"""What is made of Zapier's list."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.zapier import merged, popularity_of


def entry(title: Any, **more: Any) -> dict[str, Any]:
    return {"id": "11112222-3333-4444", "title": title, "description": "From the list", **more}


def added(*entries: Any) -> list[App]:
    """What a list adds to what is built in."""
    return [app for app in merged(builtin(), list(entries)) if app.id not in builtin().apps]


def test_what_is_built_in_stays_as_it_is() -> None:
    merged_ids = {app.id: app for app in merged(builtin(), [entry("Gmail"), entry("Microsoft Outlook"), entry("New")])}

    assert merged_ids["zapier_gmail"] == builtin().apps["zapier_gmail"]
    assert set(merged_ids) - set(builtin().apps) == {"zapier_new"}


def test_an_application_of_the_list() -> None:
    (app,) = added(entry("  New\n App ", categories=[{"slug": "crm"}, {"slug": "email"}]))

    assert (app.id, app.type, app.name) == ("zapier_new_app", "zapier", "New App")
    assert (app.description, app.category, app.capabilities) == ("From the list", "CRM", ())


@pytest.mark.parametrize(
    ("categories", "category"),
    [
        (None, "Other"),
        ([], "Other"),
        ([{"slug": None}, {"slug": "email"}], "Email"),
        (["x"], "Other"),
        ([{"slug": "internet-of-things"}], "Internet Of Things"),
        ([{"slug": "task-management"}], "Project Management"),
    ],
)
def test_categories(categories: Any, category: str) -> None:
    assert [app.category for app in added(entry("New", categories=categories))] == [category]


def test_applications_of_one_name_keep_apart() -> None:
    apps = added(entry("New", id="aaaaaaaa-1"), entry("N-e-w", id="b"), entry("new!", id="bbbbbbbb-2"))

    assert [app.id for app in apps] == ["zapier_new", "zapier_n_e_w", "zapier_new_bbbbbbbb"]


@pytest.mark.parametrize("bad", [None, 7, "x", {}, {"title": 3}, {"title": "  "}, {"title": "🎉"}, {"title": None}])
def test_malformed_ones_are_dropped(bad: Any) -> None:
    assert [app.id for app in added(bad, entry("Good", description=None))] == ["zapier_good"]


def test_long_texts_are_cut() -> None:
    (app,) = added(entry("n" * 300, description="d " * 900))

    assert (len(app.name), len(app.description)) == (100, 499)


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_popularity_falls_with_the_place(place: int, of: int) -> None:
    place, of = sorted((place, of))

    assert 1 <= popularity_of(place, of) <= 100
    if place > 1:
        assert popularity_of(place, of) <= popularity_of(place - 1, of)


def test_popularity_on_the_scale_of_the_built_in_list() -> None:
    assert [popularity_of(place, 9_000) for place in (1, 800, 9_000)] == [100, 10, 1]
