"""The pure rules: headers, capabilities, states, health."""

from dataclasses import replace

import pytest

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import Conflict
from jobsprint.domain import integrations
from jobsprint.domain.integrations import Capability, Health, Integration

_CONNECTED = Integration("acme", "int_1", "custom", "n", "connected", 1, "custom_webhook")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer x"),
        ("X-Custom-Header", ""),
        ("x", "!~ tab-free"),
        ("Accept", "text/plain"),
        ("X-Long", "v" * (1024 - len("X-Long"))),
        ("X-Webhook-Id", "not ours"),
    ],
)
def test_headers_a_tenant_may_set(name: str, value: str) -> None:
    integrations.check_header(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "v"),
        ("X Y", "v"),
        ("X:Y", "v"),
        ("X\r\nY", "v"),
        ("Ünicode", "v"),
        (":path", "v"),
        ("X", "a\r\nInjected: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0b"),
        ("X", "a\tb"),
        ("X", "ünicode"),
        ("X", "\x7f"),
        ("X-Long", "v" * 1024),
        *((name, "v") for name in ("Host", "hOST", "User-Agent", "Expect")),
        *((name, "v") for name in ("Content-Type", "content-length", "Content-Anything")),
        *((name, "v") for name in ("webhook-id", "Webhook-Signature", "webhook-anything")),
        *((name, "v") for name in ("X-Jobsprint-Signature", "x-jobsprint-event", "X-Jobsprint-Attempt")),
        *((name, "v") for name in ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade")),
        *((name, "v") for name in ("Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection")),
    ],
)
def test_headers_a_tenant_may_not_set(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        integrations.check_header(name, value)


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "object"}, []),
        ({"type": "object", "properties": []}, []),
        (
            {"type": "object", "properties": {"a": {"type": "string", "description": "A"}}, "required": ["a"]},
            [{"name": "a", "type": "string", "required": True, "description": "A"}],
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["null", "integer"]}}},
            [{"name": "a", "type": "integer", "required": False}],
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["null"]}}},
            [{"name": "a", "type": "null", "required": False}],
        ),
        ({"type": "object", "properties": {"a": True}}, [{"name": "a", "type": "any", "required": False}]),
        (
            {"type": "object", "properties": {"a": {"enum": [1], "description": 5}}, "required": "a"},
            [{"name": "a", "type": "any", "required": False}],
        ),
    ],
)
def test_parameters_of_a_capability(schema: JsonObject, shown: list[JsonObject]) -> None:
    assert integrations.parameters_of(Capability("c", schema=schema)) == shown


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("pending", None, "not_connected"),
        ("disconnected", None, "not_connected"),
        ("error", None, "not_connected"),
        ("error", "reauth_required", "reauth_required"),
        ("error", "credential_rejected", "credential_rejected"),
    ],
)
def test_only_what_is_connected_may_be_called(status: str, reason: str | None, code: str) -> None:
    integration = replace(_CONNECTED, status=status, status_reason=reason)  # type: ignore[arg-type]

    with pytest.raises(Conflict) as refused:
        integrations.require_connected(integration)

    assert refused.value.code == code
    integrations.require_connected(_CONNECTED)


def test_disconnecting_twice_changes_nothing_the_second_time() -> None:
    once = integrations.disconnected(_CONNECTED, 5)

    assert (once.status, once.disconnected_at) == ("disconnected", 5)
    assert integrations.disconnected(once, 9) is once


def _after(health: Health, *reasons: str | None) -> Health:
    for at, reason in enumerate(reasons):
        health = integrations.health_after(health, passed=reason is None, reason=reason, message="m", step=None, at=at)
    return health


@pytest.mark.parametrize(
    ("reasons", "status"),
    [
        ((None,), "healthy"),
        (("connect",), "unknown"),
        (("connect", "connect"), "unknown"),
        (("connect",) * 3, "unhealthy"),
        (("connect", "connect", None, "connect", "connect"), "healthy"),
        (("connect", "dns", "http_5xx"), "unhealthy"),
        (("credential_rejected",), "unhealthy"),
        (("reauth_required",), "unhealthy"),
        (("connect",) * 3 + (None,), "healthy"),
    ],
)
def test_health_turns_after_three_failures_or_a_verdict(reasons: tuple[str | None, ...], status: str) -> None:
    assert _after(Health(), *reasons).status == status


@pytest.mark.parametrize(
    ("successful", "failed", "rate"), [(0, 0, 0), (1489, 34, 0.9777), (1, 2, 0.3333), (5, 0, 1), (0, 5, 0)]
)
def test_success_rate(successful: int, failed: int, rate: float) -> None:
    assert integrations.success_rate(successful, failed) == rate


def test_a_null_removes_a_name() -> None:
    assert integrations.merged({"a": 1, "b": 2}, {"a": None, "c": {"d": None}}) == {"b": 2, "c": {"d": None}}


@pytest.mark.parametrize(
    ("configuration", "fits"),
    [
        ({}, True),
        ({str(n): 1 for n in range(50)}, True),
        ({str(n): 1 for n in range(51)}, False),
        ({"a": "x" * 16_000}, True),
        ({"a": "x" * 17_000}, False),
    ],
)
def test_limits_of_a_configuration(configuration: JsonObject, fits: bool) -> None:
    assert integrations.fits_configuration(configuration) is fits
