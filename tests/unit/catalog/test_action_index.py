"""Which actions a request finds, among those of 87 applications, and how long it takes among 10,000."""

import statistics
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobsprint.catalog.action_index import Action, ActionIndex
from tests.support.connected_actions import indexed, integrations, padded, requests

NAMES, INDEX = indexed(integrations())

# The search was tuned on `agent`; `held_back` was written before and first measured after that, and `unseen` after it
# had been tuned on both (docs/adr/0061-search-of-actions.md has the first result of each).
SETS = {"agent": 208, "held_back": 100, "unseen": 100}
RECALL = 0.95


def found(query: str, count: int = 5) -> list[str]:
    return [NAMES[place] for place in INDEX.search(query)[:count]]


@pytest.mark.parametrize("name", SETS)
def test_nearly_every_request_finds_its_action_among_the_first_five(name: str) -> None:
    asked = requests(name)
    assert len(asked) == SETS[name]
    assert {action for expected in asked.values() for action in expected} <= set(NAMES)
    missed = [request for request, expected in asked.items() if not set(found(request)) & set(expected)]
    assert 1 - len(missed) / len(asked) >= RECALL, missed


def test_there_are_many_actions_of_many_applications() -> None:
    assert (len(integrations()) >= 60, len(set(NAMES)) >= 1_200) == (True, True)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("slack send message", "slack.send_message"),
        ("SLACK_SEND_MESSAGE", "slack.send_message"),
        ("createRefund", "stripe.create_refund"),
        ("refnud a paymnet in strpe", "stripe.create_refund"),
        ("sign a friend up for the newsletter", "mailchimp.add_subscriber"),
        ("who's on call?", "pagerduty.get_oncall"),
        ("woo commerce refund", "woocommerce.order:refund"),
    ],
)
def test_an_action_is_found_by_its_names_and_by_what_people_say(query: str, first: str) -> None:
    assert first in found(query, 3)


@pytest.mark.parametrize("query", ["", " ", "xqzvkw", "🎉", "the of and"])
def test_what_says_nothing_finds_nothing_that_it_names(query: str) -> None:
    assert len(found(query)) <= 5


def test_a_few_actions_alone_are_told_apart() -> None:
    index = ActionIndex(Action(name, "", "", (), "Chat") for name in ("send", "list.channels", "delete"))
    assert [index.search(query)[0] for query in ("post a note", "which rooms are there", "please erase it")] == [
        0,
        1,
        2,
    ]
    assert ActionIndex([]).search("send") == []


@given(st.text(max_size=500))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_request(query: str) -> None:
    places = INDEX.search(query)
    assert len(places) == len(set(places)) <= len(NAMES)


def test_a_search_among_10_000_actions_takes_little_cpu() -> None:
    began = time.process_time()
    names, index = indexed(padded(10_000))
    built = time.process_time() - began
    assert len(names) == 10_000
    times = []
    for request in requests("agent"):
        began = time.process_time()
        index.search(request)
        times.append(time.process_time() - began)
    # The target is 0.5 s; it takes a tenth of that or less, so a busy machine does not fail here.
    assert statistics.quantiles(times, n=20)[18] < 0.25
    assert built < 5
