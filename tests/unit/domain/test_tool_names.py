"""Names of tools: their form, and that no name stands for two actions or ever for another one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.slugs import numbered, slug_of
from jobsprint.domain.tool_names import tool_name, tool_names

FORM = re.compile(r"[a-z0-9_]{1,40}")
HASHED = re.compile(r".*_[0-9a-f]{6}")
ROUTER = {"search_actions", "describe_action", "read_action", "write_action", "list_connections", "get_execution"}


def integration(slug: str, *actions: str) -> Integration:
    return Integration(
        tenant="acme",
        id=f"int_{slug}",
        type="custom",
        name=slug,
        status="connected",
        created_at=0,
        app="custom_webhook",
        slug=slug,
        capabilities=tuple(map(Capability, actions)),
    )


def owners(*connected: Integration) -> dict[str, tuple[str, str]]:
    return {name: (one.slug, action.name) for name, (one, action) in tool_names(connected).items()}


# Few letters, so that names meet often; those of MCP, Zapier and n8n, and any text.
few = st.text("aA_2", min_size=1, max_size=6)
actions = few | st.from_regex(r"[A-Za-z0-9_.\-]{1,128}", fullmatch=True) | st.text(min_size=1, max_size=128)
slugs = st.builds(
    numbered, st.builds(slug_of, st.text("aA _2", max_size=8) | st.text(max_size=60)), st.integers(1, 999)
)
pairs = st.tuples(slugs, actions)


@pytest.mark.parametrize(
    ("slug", "action", "name"),
    [
        ("slack", "send_message", "slack_send_message"),
        ("slack_2", "send_message", "slack_2_send_message"),
        ("slack", "_send__message_", "slack__send__message_"),
        ("1password", "get", "1password_get"),
        ("slack", "a" * 34, f"slack_{'a' * 34}"),
    ],
)
def test_a_name_is_slug_and_action(slug: str, action: str, name: str) -> None:
    assert tool_name(slug, action) == name


@pytest.mark.parametrize(
    ("slug", "action", "start"),
    [
        ("slack", "get-sum", "slack_get_sum_"),
        ("slack", "Send", "slack_send_"),
        ("slack", "größe", "slack_gr__e_"),
        ("slack", "a" * 35, f"slack_{'a' * 27}_"),
        ("slack", "a" * 26 + "_" * 9, f"slack_{'a' * 26}_"),
        ("twenty_four_characters_x", "send_message", "twenty_four_characters_x_send_mes_"),
        ("google_sheets", "add_row", "google_sheets_add_row_"),
        ("slack", "2_send", "slack_2_send_"),
        ("slack", "2", "slack_2_"),
        ("slack", "send_abc123", "slack_send_abc123_"),
        ("slack", "!", "slack_"),
    ],
)
def test_a_name_that_another_action_could_have_ends_in_six_characters_of_a_hash(
    slug: str, action: str, start: str
) -> None:
    name = tool_name(slug, action)
    assert name.startswith(start)
    assert re.fullmatch(r"[0-9a-f]{6}", name.removeprefix(start))


def test_names_that_would_meet_are_told_apart() -> None:
    alike = [
        ("google", "sheets_add_row"),
        ("google_sheets", "add_row"),
        ("slack", "2_send"),
        ("slack_2", "send"),
        ("slack", "get-sum"),
        ("slack", "get_sum"),
        ("slack", "get.sum"),
        ("slack", "Get_Sum"),
        ("slack", "a" * 100),
        ("slack", "a" * 101),
    ]
    assert len({tool_name(*pair) for pair in alike}) == len(alike)
    hashed = tool_name("google_sheets", "add_row")
    assert tool_name("google", hashed.removeprefix("google_")) != hashed


def test_the_hash_never_changes() -> None:
    assert tool_name("google_sheets", "add_row") == "google_sheets_add_row_18cb36"


@given(pairs)
def test_every_name_has_the_form_and_is_none_of_the_router(pair: tuple[str, str]) -> None:
    name = tool_name(*pair)
    assert FORM.fullmatch(name)
    assert name not in ROUTER
    assert not name.startswith("jobsprint")
    assert name.startswith(f"{pair[0]}_")
    assert name == "_".join(pair) or HASHED.fullmatch(name)


@given(st.lists(pairs, max_size=40, unique=True))
def test_no_two_actions_have_the_same_name(some: Sequence[tuple[str, str]]) -> None:
    named = [(tool_name(*pair), pair) for pair in some]
    meeting = [(one, other) for one, other in combinations(named, 2) if one[0] == other[0]]
    assert meeting == []


@given(st.lists(st.tuples(slugs, st.lists(actions, max_size=5)), max_size=8, unique_by=lambda one: one[0]), st.data())
def test_names_do_not_depend_on_what_else_is_connected(made: list[tuple[str, list[str]]], data: st.DataObject) -> None:
    connected = [integration(slug, *names) for slug, names in made]
    fewer = data.draw(st.lists(st.sampled_from(connected), unique_by=id)) if connected else []

    whole, part = owners(*connected), owners(*fewer)

    assert whole.items() >= part.items()
    assert list(whole.values()) == sorted({(one.slug, action.name) for one in connected for action in one.capabilities})
    assert list(owners(*reversed(connected)).items()) == list(whole.items())


@given(few, few, few)
def test_an_action_keeps_its_name_in_other_company(slug: str, first: str, second: str) -> None:
    slug = slug_of(slug)
    assume(first != second)
    assert owners(integration(slug, first)).items() <= owners(integration(slug, second, first)).items()


def test_a_webhook_has_no_tools() -> None:
    assert tool_names([integration("", "order.paid")]) == {}


def test_an_action_that_is_listed_twice_has_one_name() -> None:
    twice = replace(integration("slack"), capabilities=(Capability("send", "first"), Capability("send", "second")))
    assert tool_names([twice]) == {"slack_send": (twice, twice.capabilities[0])}


def test_two_integrations_with_one_slug_share_no_name() -> None:
    restored, newer = integration("slack", "send", "find"), integration("slack", "send")
    for connected in ([restored, newer], [newer, restored]):
        assert tool_names(connected) == {"slack_find": (restored, restored.capabilities[1])}


def test_a_name_that_two_actions_hash_to_is_left_out() -> None:
    """Neither may be called in place of the other."""
    first, second = _meeting()
    assert tool_name("slack", first) == tool_name("slack", second)
    assert owners(integration("slack", first, second, "send")) == {"slack_send": ("slack", "send")}


def _meeting() -> tuple[str, str]:
    """Two actions that hash to the same name: about 5,000 of a kind have such a pair."""
    seen: dict[str, str] = {}
    for number in range(100_000):
        action = f"{'a' * 40}{number}"
        name = tool_name("slack", action)
        if name in seen:
            return seen[name], action
        seen[name] = action
    raise AssertionError("none found")
