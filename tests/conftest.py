"""Fixtures for every suite: no test below may reach AWS or a foreign host."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT / "layers" / "connector", ROOT):
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


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Tables, queues and key on moto as template.yaml describes them, and the environment that functions see."""
    from moto import mock_aws

    from jobsprint import aws as clients
    from jobsprint.security import addresses, vault
    from tests.support.partiql import conditions_hold
    from tests.support.template import create_queues, create_tables

    with mock_aws(), conditions_hold():
        _forget(clients, vault)
        make = clients._session().create_client
        tables = create_tables(make("dynamodb"))
        queues = create_queues(make("sqs"))
        make("s3").create_bucket(Bucket="catalog")
        key = make("kms").create_key()["KeyMetadata"]["Arn"]
        environment = {
            "TENANTS_TABLE": tables["TenantsTable"],
            "LOGS_TABLE": tables["LogsTable"],
            "EVENTS_TABLE": tables["EventsTable"],
            "TOKENS_TABLE": tables["TokensTable"],
            "DELIVERY_QUEUE_URL": queues["DeliveryQueue"],
            "HEALTH_QUEUE_URL": queues["HealthQueue"],
            "EXECUTION_QUEUE_URL": queues["ExecutionQueue"],
            "REFUSED_QUEUE_URL": queues["RefusedEvents"],
            "RECOVERY_QUEUE_URL": queues["RecoveryQueue"],
            "DATA_KEY_ID": key,
            "CATALOG_BUCKET": "catalog",
            "CURSOR_KEY": "test-cursor-key",
            "ALLOW_PRIVATE_TARGETS": "true",
            "ALLOW_LOOPBACK_TARGETS": "true",
            "RETRY_SCHEDULE": "0,5,300,600",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(addresses.vet, "__defaults__", (2.0, _no_dns))
        yield {"tables": tables, "queues": queues, "key": key}
        _forget(clients, vault)


def _no_dns(*_: Any, **__: Any) -> list[Any]:
    raise OSError("no test asks a name server")


def _forget(clients: Any, vault: Any) -> None:
    from jobsprint.catalog import published
    from jobsprint.delivery import conformance, receivers

    # What a container keeps warm must not outlive the AWS of one test.
    for client in (clients.dynamodb, clients.sqs, clients.kms, clients.apigateway, clients.s3):
        client.cache_clear()
    vault._keys.clear()
    published.forget()
    conformance.forget()
    receivers.forget()
    forget_settings()


def forget_settings() -> None:
    """Reads the environment anew: for tests that change it after the `aws` fixture."""
    from jobsprint import config
    from jobsprint.connectors import calls

    config.settings.cache_clear()
    if calls.client.cache_info().currsize:
        calls.client().close()
    calls.client.cache_clear()
