"""Every failure has words of its own, and whatever comes has some."""

import pytest

from jobsprint.delivery.attempt import WORKER_DIED
from jobsprint.domain import delivery_failures


def test_every_kind_that_is_made_has_its_words() -> None:
    # Those of `outbound.TransferFailure`, as its docstring names them, and those of `delivery.attempt`.
    assert {
        "dns",
        "blocked_address",
        "blocked_port",
        "plain_http",
        "malformed_url",
        "connect",
        "tls",
        "timeout_headers",
        "timeout_body",
        "reset",
        "protocol",
        WORKER_DIED,
        "http_3xx",
        "http_4xx",
        "http_5xx",
    } <= delivery_failures.known_kinds()


@pytest.mark.parametrize("kind", sorted(delivery_failures.known_kinds()))
def test_they_are_one_line_each(kind: str) -> None:
    meaning = delivery_failures.meaning(kind)
    for line in (meaning.explanation, meaning.next_step):
        assert 10 < len(line) < 120
        assert line[0].isupper()
        assert not line.endswith(".")


@pytest.mark.parametrize("warning", ["body_too_large", "timeout_body", "reset", "protocol: encoding", "never_seen"])
def test_a_warning_says_that_the_event_was_delivered(warning: str) -> None:
    meaning = delivery_failures.explained(None, warning, "delivered")
    assert meaning is not None
    assert meaning.explanation.startswith("Delivered; ")
    assert len(meaning.explanation) < 120
    assert 10 < len(meaning.next_step) < 120


def test_a_class_belongs_to_its_kind_and_unknown_kinds_fall_back() -> None:
    assert delivery_failures.meaning("blocked_address: link_local") == delivery_failures.meaning("blocked_address")
    assert delivery_failures.meaning("never_seen") == delivery_failures.meaning("") != delivery_failures.meaning("dns")
