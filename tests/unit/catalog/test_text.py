"""Folding words, and what counts as one typing error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.catalog.text import initials, joined, slug, with_one_left_out, within_one_edit, words
from tests.support.catalogues import every_typo

WORD = st.text("abc", min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Google Sheets", ["google", "sheets"]),
        ("monday.com", ["monday", "com"]),
        ("Café  Señor_X", ["cafe", "senor", "x"]),
        ("\uff28ubSpot", ["hubspot"]),
        ("🎉 - !", []),
        ("Straße", ["strasse"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_joined_and_slug() -> None:
    assert (joined("Hub Spot"), slug("X (Twitter)")) == ("hubspot", "x_twitter")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("YouTube", "yt"),
        ("Google Sheets", "gs"),
        ("Facebook Lead Ads", "fla"),
        ("Slack", ""),
        ("GitHub", "gh"),
        ("", ""),
    ],
)
def test_initials(name: str, expected: str) -> None:
    assert initials(name) == expected


@given(WORD, WORD)
def test_within_one_edit_is_what_one_typo_makes(one: str, other: str) -> None:
    assert within_one_edit(one, other) == (one == other or other in set(every_typo(one)))


@given(WORD, st.data())
def test_words_one_edit_apart_share_a_shortened_word(word: str, data: st.DataObject) -> None:
    typo = data.draw(st.sampled_from(sorted(set(every_typo(word)))))

    assert set(with_one_left_out(word)) & set(with_one_left_out(typo))
