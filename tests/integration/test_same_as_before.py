"""Old and new declarations accept and refuse the same bodies, and name the same fields.

Takes the old ones out of the repository's history (`BEFORE`), under another package name. It goes when they are gone.
"""

import importlib
import importlib.util
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.api.schemas import actions, events, replays, webhooks
from jobsprint.connectors import custom
from jobsprint.core.errors import InvalidFields
from jobsprint.core.models import validate
from jobsprint.delivery import eventbridge
from jobsprint.domain.integrations import Integration
from jobsprint.security.credentials import Credentials
from tests.support.template import ROOT

BEFORE = "552ccb7"
NOW = 1_767_225_600_000


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    folder = tmp_path_factory.mktemp("before")
    archive = folder / "old.tar"
    git = ["git", "-C", str(ROOT), "archive", "-o", str(archive), BEFORE, "layers/connector/jobsprint", "functions"]
    subprocess.run(git, check=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (folder / "layers/connector/jobsprint").rename(folder / "oldsprint")
    (folder / "functions").rename(folder / "oldfunctions")
    for path in folder.rglob("*.py"):
        path.write_text(re.sub(r"\bjobsprint\b(?=\.| import)", "oldsprint", path.read_text()))
    sys.path.insert(0, str(folder))
    return importlib.import_module


TEXTS = st.sampled_from(
    [
        "", "a", "b.c", "a.*", "*", "two words", "x" * 101, "x" * 201, "line\nline", " ", "secret-secret", "short",
        "https://hooks.example.com/in", "http://127.0.0.1/", "ftp://a.example", "2026-01-01T00:00:00Z", "2026-01-01",
        "2026-13-01", "soon", "failed", "missing", "warn", "off", "X-Test", "Host", "ping", "jobsprint.ping", "prefix",
        "event", "data", "timestamp", "acme", "evt-1", "object", "type", "required", "exists", "numeric",
        "issue", "list", "revoke", "webhooks:read", "ACME", "1", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ]
)  # fmt: skip
LEAVES = (
    TEXTS | st.none() | st.booleans() | st.integers(-2, 30)
    | st.sampled_from([900, 901, 1_209_600, 604_800, 604_801, 1000, 1001, 3650, 3651])
    | st.sampled_from([0.0, 1.0, 0.5, 3650.5])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
URLS = st.sampled_from(["https://hooks.example.com/in", "http://127.0.0.1/"])
NAMES = st.sampled_from(["a", "b.c", "ping"])
SECRETS = st.sampled_from(["secret-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00.5+02:00"])
HEADERS = st.dictionaries(st.sampled_from(["X-Test", "X-More", "Accept"]), TEXTS.filter(str.isalnum), max_size=2)
PATTERNS = st.sampled_from(
    [
        {"data": {"amount": [{"numeric": [">", 1]}]}}, {"event": ["a"]}, {"$or": [{"event": ["a"]}, {"event": ["b"]}]},
        {"data": {"a": []}}, {"b": [1]}, {}, {"data": {"a": [{"prefix": 5}]}}, {"data": {"a": [{"x": 1}], "b": [{}]}},
    ]
)  # fmt: skip
SCHEMAS = st.sampled_from(
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "x"},
        {"$ref": "http://x"},
    ]
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)


def bodies(needed: dict[str, Any], **optional: Any) -> Any:
    """Right objects, the same with up to two fields that may be anything, and anything."""
    right = st.fixed_dictionaries(needed, optional=optional)
    names = st.sampled_from([*needed, *optional, "more"])
    changed = st.tuples(right, st.dictionaries(names, VALUES, max_size=2)).map(lambda two: {**two[0], **two[1]})
    without = st.tuples(right, names).map(lambda two: {name: v for name, v in two[0].items() if name != two[1]})
    return st.one_of(right, changed, without, VALUES)


POLICY = {
    "headers": HEADERS,
    "retrySchedule": st.lists(st.integers(0, 700), min_size=1, max_size=21),
    "rateLimit": st.integers(1, 1001),
    "filter": PATTERNS,
}
TARGET = {"name": NAMES, "url": URLS, "events": st.lists(NAMES, min_size=1, max_size=3)}


def verdict(work: Callable[[], Any]) -> Any:
    """What comes out, or the wrong fields."""
    try:
        return ("taken", work())
    except Exception as error:
        if type(error).__name__ != "InvalidFields":
            raise
        return ("refused", [detail.field for detail in error.details])  # type: ignore[attr-defined]


SEEN: Counter[str] = Counter()


def same(before: Callable[[], Any], after: Callable[[], Any]) -> None:
    was, now = verdict(before), verdict(after)
    SEEN[was[0]] += 1
    if was[0] == "taken":
        assert now == was
    else:  # more may be listed at once than before, never less
        assert now[0] == "refused"
        assert set(was[1]) <= set(now[1])


CASES: dict[str, tuple[str, Any, Any, Callable[[Any], Any]]] = {
    "WebhookChange": (
        "webhooks", webhooks.WebhookChange, bodies({}, **TARGET, **POLICY, active=st.booleans()),
        lambda given: (given.name, given.active, given.target(), given.policy()),
    ),
    "WebhookCreate": (
        "webhooks", webhooks.WebhookCreate, bodies(TARGET, **POLICY, secret=SECRETS),
        lambda given: (given.name, given.target(), asdict(given.policy())),
    ),
    "SecretRotation": (
        "webhooks", webhooks.SecretRotation,
        bodies({}, overlapSeconds=st.integers(0, 604_801), revokeNow=st.booleans(), secret=SECRETS),
        lambda given: (given.secret, given.overlap()),
    ),
    "SampleRequest": ("webhooks", webhooks.SampleRequest, bodies({}, event=NAMES), lambda given: given.event),
    "PublishEvent": (
        "events", events.PublishEvent,
        bodies({"event": NAMES, "data": OBJECTS}, id=st.sampled_from(["evt-1", "a:b"]), timestamp=TIMES),
        lambda given: asdict(given.draft()),
    ),
    "PublishBatch": (
        "events", events.PublishBatch, bodies({"events": st.lists(VALUES, min_size=1, max_size=26)}),
        lambda given: given.events,
    ),
    "EventTypePut": (
        "events", events.EventTypePut,
        bodies({"name": NAMES}, description=TEXTS, schema=SCHEMAS, mode=st.sampled_from(["off", "warn"])),
        lambda given: asdict(given.event_type(NOW)),
    ),
    "ActionRequest": (
        "actions", actions.ActionRequest, bodies({}, parameters=OBJECTS), lambda given: given.parameters,
    ),
    "RecoverRequest": (
        "replays", replays.RecoverRequest,
        bodies(
            {"since": TIMES}, until=TIMES, events=TARGET["events"], dryRun=st.booleans(),
            states=st.lists(st.sampled_from(["failed", "missing"]), min_size=1, max_size=3),
            perSecond=st.integers(1, 1001),
        ),
        lambda given: asdict(given.wanted(NOW)),
    ),
}  # fmt: skip
FEW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", CASES)
def test_bodies_of_operations(name: str, old: Callable[[str], Any]) -> None:
    module, model, strategy, shown = CASES[name]
    before = getattr(old(f"oldsprint.api.schemas.{module}"), name)
    old_validate, fields = old("oldsprint.domain.validation").validate, old("oldsprint.connectors.fields")

    @FEW
    @given(strategy)
    def check(body: Any) -> None:
        def was() -> Any:
            given = old_validate(before, body)
            if getattr(given, "url", None):
                fields.check_target(given.url)
            return shown(given)

        same(was, lambda: shown(validate(model, body)))

    SEEN.clear()
    check()
    assert min(SEEN["taken"], SEEN["refused"]) > 20, SEEN


@pytest.mark.usefixtures("aws")
def test_custom_connections(old: Callable[[str], Any]) -> None:
    old_custom, old_integration = old("oldsprint.connectors.custom"), old("oldsprint.domain.integrations").Integration
    old_service = old("oldsprint.integrations.service")
    old_credentials = old("oldsprint.security.credentials").Credentials
    facts = {
        "tenant": "acme",
        "id": "int_1",
        "type": "custom",
        "name": "",
        "status": "pending",
        "created_at": NOW,
        "app": "custom",
    }

    @FEW
    @given(
        bodies(
            {"name": NAMES, "url": URLS}, headers=HEADERS, secret=SECRETS, description=TEXTS,
            configuration=st.dictionaries(TEXTS, VALUES, max_size=3),
            actions=st.lists(bodies({"name": NAMES}, description=TEXTS, parameters=SCHEMAS), max_size=2),
        ).filter(lambda body: isinstance(body, dict))
    )  # fmt: skip
    def check(body: dict[str, Any]) -> None:
        def was() -> Any:
            integration = old_integration(**facts)
            connector = old_custom.Custom()
            _, done = old_service._both(
                integration,
                body,
                lambda it: connector.connect(it, old_service._given(body), current=old_credentials()),
            )
            return [done.credentials.url, dict(done.credentials.headers), [asdict(one) for one in done.capabilities]]

        def now() -> Any:
            integration = Integration(**facts)  # type: ignore[arg-type]
            given = custom.Custom().read(integration, body, current=Credentials())
            done = custom.Custom().connect(integration, given, current=Credentials())
            return [done.credentials.url, dict(done.credentials.headers), [asdict(one) for one in done.capabilities]]

        same(was, now)

    SEEN.clear()
    check()
    assert min(SEEN["taken"], SEEN["refused"]) > 20, SEEN


@pytest.mark.usefixtures("aws")
def test_events_of_the_bus(old: Callable[[str], Any]) -> None:
    before = old("oldsprint.delivery.eventbridge")
    detail = bodies({"tenant": st.just("acme"), "data": OBJECTS}, id=st.sampled_from(["evt-1", "a:b"]))
    envelope = {"id": st.sampled_from(["a-1", "a b"]), "detail-type": NAMES, "detail": detail}

    @FEW
    @given(bodies(envelope, time=TEXTS))
    def check(body: Any) -> None:
        def shown(event: Any) -> Any:
            return (event.id, event.name, event.time, event.detail.tenant, event.detail.data, event.detail.id)

        same(
            lambda: shown(old("oldsprint.domain.validation").validate(before.BusEvent, body, "event")),
            lambda: shown(validate(eventbridge.BusEvent, body, "event")),
        )

    SEEN.clear()
    check()
    assert min(SEEN["taken"], SEEN["refused"]) > 20, SEEN


TENANT = {"tenant": st.just("acme")}
TOKEN_REQUESTS = {
    "Issue": bodies(
        {"action": st.just("issue"), **TENANT},
        scopes=st.lists(st.sampled_from(["*", "webhooks:read"]), min_size=1, max_size=2),
        expiresInDays=st.floats(0.1, 3651) | st.integers(0, 3651),
    ),
    "List": bodies({"action": st.just("list"), **TENANT}),
    "Revoke": bodies({"action": st.just("revoke"), "id": TEXTS}),
}


@pytest.mark.parametrize("name", TOKEN_REQUESTS)
def test_token_requests(name: str, old: Callable[[str], Any]) -> None:
    before = getattr(old("oldfunctions.manage_tokens.app"), name)
    old_validate = old("oldsprint.domain.validation").validate
    after = getattr(importlib.import_module("functions.manage_tokens.app"), name)
    fields = list(after.model_fields)

    @FEW
    @given(TOKEN_REQUESTS[name])
    def check(body: Any) -> None:
        same(
            lambda: [getattr(old_validate(before, body), field) for field in fields],
            lambda: [getattr(validate(after, body), field) for field in fields],
        )

    SEEN.clear()
    check()
    assert min(SEEN["taken"], SEEN["refused"]) > 0, SEEN  # a list has but one right body


def test_the_comparison_can_fail() -> None:
    def refused() -> Any:
        raise InvalidFields.one("body.a", "no")

    for before, after in ((refused, lambda: 1), (lambda: 1, refused), (lambda: 1, lambda: 2)):
        with pytest.raises(AssertionError):
            same(before, after)
