"""Fixtures of the integration tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.delivery import dispatcher as dispatching
from tests.support.deliveries import Outbox, watching_sqs
from tests.support.receiver import Receiver, receiving
from tests.support.sender import close


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    """A tenant's HTTP endpoint on 127.0.0.1."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(endpoint: Receiver) -> Receiver:
    """The same, where webhooks are sent to it."""
    return endpoint


@pytest.fixture
def dispatcher(aws: dict[str, str]) -> Iterator[None]:
    """Closes the dispatcher's connections afterwards."""
    yield
    close(dispatching.delivery_client)


@pytest.fixture
def outbox(dispatcher: None) -> Iterator[Outbox]:
    """What goes into SQS. A file whose webhooks need a schedule or calm overrides it and asks for this one."""
    with watching_sqs() as box:
        yield box


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No breaker and no slowness, for tests in which a webhook fails a lot and that are about something else."""
    from jobsprint.domain import endpoint_health

    monkeypatch.setattr(endpoint_health, "MIN_ATTEMPTS", 1_000_000)
    monkeypatch.setattr(endpoint_health, "SLOW_MS", 60_000)


@pytest.fixture
def strict(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The service as it runs in AWS: neither private nor loopback targets, no plain http."""
    from tests.conftest import forget_settings

    monkeypatch.setenv("ALLOW_PRIVATE_TARGETS", "false")
    monkeypatch.setenv("ALLOW_LOOPBACK_TARGETS", "false")
    forget_settings()
