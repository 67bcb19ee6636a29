"""Fixtures for every suite: no test below may reach AWS or a foreign host."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (*(layer.parent for layer in ROOT.glob("layers/*/jobsprint")), ROOT):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_DEV="false",
)
os.environ.pop("AWS_ENDPOINT_URL", None)

# Of the template, where tests want other values than its defaults.
PARAMETERS = {
    "CursorSecret": "test-cursor-key",
    "AllowPrivateTargets": "true",
    "AllowLoopbackTargets": "true",
    "RetrySchedule": "0,5,300,600",
    # No test but that of the request limit meets it.
    "TenantRate": "100000",
    "TenantBurst": "100000",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Tables, queues, bucket and key on moto as template.yaml describes them, and the environment that functions see.

    Gives what `!Ref` gives, by logical id.
    """
    from jobsprint.outbound import pinning
    from tests.support.resources import on_moto
    from tests.support.template import environment

    with on_moto() as made:
        _forget()
        for name, value in environment(made | PARAMETERS).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(pinning, "system_resolver", _no_dns)
        yield made
        _forget()


def _no_dns(*_: Any, **__: Any) -> list[Any]:
    raise OSError("no test asks a name server")


def _forget() -> None:
    from jobsprint.api import request_limit
    from jobsprint.catalog import published
    from jobsprint.core import aws
    from jobsprint.delivery import endpoints, schema_check
    from jobsprint.mcp_server import action_search, actions, endpoint
    from jobsprint.security import encryption

    # What a container keeps warm must not outlive the AWS of one test.
    aws.clear()
    for module in (encryption, published, schema_check, endpoints, request_limit, endpoint, action_search, actions):
        module.forget()
    forget_settings()


def forget_settings() -> None:
    """Read the environment again: for tests that change it after the `aws` fixture."""
    from jobsprint.connectors import signed_post
    from jobsprint.core import config
    from tests.support.sender import close

    config.settings.cache_clear()
    close(signed_post.client)
