"""Event names and subscriptions, as the contract spells them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain.events import MAX_LENGTH, covers, is_name, is_subscription, matches

words = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
names = st.lists(words, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize("name", ["a", "workflow.executed", "A-1_b.c.d", "workflow", "-", "a" * MAX_LENGTH])
def test_names(name: str) -> None:
    assert is_name(name)
    assert is_subscription(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "a.", ".a", "a..b", "a b", "a.*", "*", "é", "a\n", "a.b\n", "workflow/executed", "a" * (MAX_LENGTH + 1)],
)
def test_what_is_no_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("subscription", ["*", "workflow.*", "workflow.step.*"])
def test_families_may_be_subscribed_to(subscription: str) -> None:
    assert is_subscription(subscription)


@pytest.mark.parametrize("text", ["**", "*.x", ".*", "workflow*", "workflow.*.x", "workflow.**", "a.*.*", "*.*", "* "])
def test_what_is_no_subscription(text: str) -> None:
    assert not is_subscription(text)


@pytest.mark.parametrize(
    ("subscription", "name", "covered"),
    [
        ("*", "workflow.executed", True),
        ("*", "x", True),
        ("workflow.executed", "workflow.executed", True),
        ("workflow.executed", "workflow.executed.twice", False),
        ("workflow.executed", "Workflow.executed", False),
        ("workflow.*", "workflow.x", True),
        ("workflow.*", "workflow.x.y", True),
        ("workflow.*", "workflow", False),
        ("workflow.*", "workflows.x", False),
        ("workflow.x.*", "workflow.x", False),
        ("workflow.x.*", "workflow.x.y", True),
    ],
)
def test_matching(subscription: str, name: str, covered: bool) -> None:
    assert matches(subscription, name) is covered


@given(names, names)
def test_a_family_covers_exactly_what_begins_with_its_words(family: str, name: str) -> None:
    assert matches(f"{family}.*", name) is (name.split(".")[: family.count(".") + 1] == family.split(".") and
                                            name.count(".") > family.count("."))  # fmt: skip


@given(st.text(max_size=30))
def test_a_name_is_what_the_contracts_pattern_says(text: str) -> None:
    assert is_name(text) is bool(re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", text))


def test_any_of_the_subscriptions_is_enough() -> None:
    assert covers(["a.b", "workflow.*"], "workflow.x")
    assert not covers(["a.b", "workflow.*"], "a")
    assert not covers([], "a")
