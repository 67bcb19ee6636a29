"""Slugs from names: their form, their numbers, and the words that are the service's own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain.slugs import MAX_SLUG, first_free, numbered, slug_of

FORM = re.compile(r"[a-z0-9]+(_[0-9]+)?")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Slack", "slack"),
        ("Google Sheets", "googlesheets"),
        ("Rocket.Chat", "rocketchat"),
        ("Café Über", "cafeuber"),
        ("Straße", "strasse"),
        ("1Password", "1password"),
        ("__a__B  c--", "abc"),
        ("日本", "app"),
        ("!", "app"),
        ("", "app"),
        ("A name that has thirty-three chars", "anamethathasthirtythreec"),
        ("Twenty-three characters and", "twentythreecharactersand"),
    ],
)
def test_a_slug_is_the_words_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("word", ["search", "describe", "read", "write", "list", "get", "webhook"])
def test_a_slug_is_no_word_of_the_tools_of_the_service(word: str) -> None:
    assert slug_of(word.title()) == f"{word}app"
    assert slug_of(f"{word}ing") == f"{word}ing"


@pytest.mark.parametrize("name", ["Jobsprint", "jobsprint demo", "JobsprintX", "jobsprint for very long names"])
def test_a_slug_does_not_begin_with_the_name_of_the_service(name: str) -> None:
    assert slug_of(name).startswith("appjobsprint")
    assert len(slug_of(name)) <= MAX_SLUG


def test_numbers_begin_at_two_and_fit() -> None:
    assert [numbered("slack", number) for number in (1, 2, 3)] == ["slack", "slack_2", "slack_3"]
    assert numbered("a" * 24, 10) == "a" * 21 + "_10"
    assert numbered("twentythreecharactersand", 1000) == "twentythreecharacte_1000"


def test_the_smallest_free_number_is_next() -> None:
    assert first_free("slack", ()) == "slack"
    assert first_free("slack", {"slack", "slack_3", "slack_bot"}) == "slack_2"
    assert first_free("slack", {"slack_2"}) == "slack"


@given(st.text(max_size=60), st.integers(1, 9999))
def test_every_slug_has_the_form(name: str, number: int) -> None:
    slug = numbered(slug_of(name), number)
    assert FORM.fullmatch(slug)
    assert len(slug) <= MAX_SLUG
    assert not slug.startswith("jobsprint")
    assert slug not in {"search", "describe", "read", "write", "list", "get", "webhook"}
