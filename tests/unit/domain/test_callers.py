"""What a token may do: its scopes, and the patterns that it is limited to."""

import pytest

from jobsprint.core.errors import Forbidden
from jobsprint.domain.callers import MANAGEMENT, SCOPES, Caller, Limits, is_for_agent, without_management
from jobsprint.domain.integrations import Capability, Effect, Integration


def integration(slug: str) -> Integration:
    return Integration("acme", "int_1", "custom", "Slack", "connected", 1, "custom_webhook", slug=slug)


@pytest.mark.parametrize(
    ("pattern", "slug", "action", "allowed", "shown"),
    [
        ("slack.send", "slack", "send", True, True),
        ("slack.send", "slack", "send_all", False, True),
        ("slack.*", "slack", "chat.post", True, True),
        ("slack.chat.*", "slack", "chat.post", True, True),
        ("slack.*", "slack_2", "send", False, False),
        ("slack*.*", "slack_2", "send", True, True),
        ("*.send", "slack", "send", True, True),
        # A star of the slug does not reach into the action's name.
        ("*.send", "slack", "chat.send", False, True),
        ("s*.send", "slack", "chat.send", False, True),
        ("*.*", "", "send", True, False),
        ("Slack.*", "slack", "send", False, False),
    ],
)
def test_patterns(pattern: str, slug: str, action: str, allowed: bool, shown: bool) -> None:
    limits = Limits((pattern,))
    assert limits.allow(integration(slug), Capability(action)) is allowed
    assert limits.show(integration(slug)) is shown


def test_a_pattern_with_many_stars_takes_no_time() -> None:
    limits = Limits(("slack." + "*a" * 50,))
    assert not limits.allow(integration("slack"), Capability("a" * 5000 + "b"))


@pytest.mark.parametrize(
    ("effect", "allowed"), [("read", True), ("write", False), ("destructive", False), (None, False)]
)
def test_a_read_only_token_runs_what_is_known_to_read(effect: Effect | None, allowed: bool) -> None:
    limits, capability = Limits(read_only=True), Capability("send", effect=effect)
    assert limits.allow(integration("slack"), capability) is allowed
    if not allowed:
        with pytest.raises(Forbidden, match="read-only") as refused:
            limits.require(integration("slack"), capability)
        assert refused.value.code == "token_read_only"


def test_without_limits_everything_is_allowed_and_shown() -> None:
    assert not Limits()
    assert Limits().allow(integration(""), Capability("send"))
    assert Limits().show(integration(""))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_of_an_agent_keeps_no_management(scope: str) -> None:
    kept = without_management([scope])
    assert {"*", *MANAGEMENT}.isdisjoint(kept)
    assert kept == ((scope,) if scope not in ("*", *MANAGEMENT) else kept)
    agent = is_for_agent([scope], Limits())
    assert agent is scope.startswith("mcp:")
    assert Caller("acme", frozenset({scope})).may("tokens:manage") is (scope in ("*", "tokens:manage"))
    assert not Caller("acme", frozenset({scope}), limits=Limits(read_only=True)).may("tokens:manage")
