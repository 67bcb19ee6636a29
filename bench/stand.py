"""The service on moto in this process, made from template.yaml, with a tenant that has a webhook."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from tests.support.partiql import conditions_hold
from tests.support.template import create_queues, create_tables

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CATALOG_BUCKET": "catalog",
    "CURSOR_KEY": "bench",
    "ALLOW_PRIVATE_TARGETS": "true",
    "ALLOW_LOOPBACK_TARGETS": "true",
}


@contextmanager
def standing() -> Iterator[None]:
    """Sets the environment and makes every table and queue."""
    os.environ.update(ENVIRONMENT)
    from jobsprint import aws

    with mock_aws(), conditions_hold():
        make: Any = aws._session().create_client
        tables = create_tables(make("dynamodb"))
        queues = create_queues(make("sqs"))
        make("s3").create_bucket(Bucket="catalog")
        os.environ.update(
            {
                "TENANTS_TABLE": tables["TenantsTable"],
                "LOGS_TABLE": tables["LogsTable"],
                "EVENTS_TABLE": tables["EventsTable"],
                "TOKENS_TABLE": tables["TokensTable"],
                "DELIVERY_QUEUE_URL": queues["DeliveryQueue"],
                "HEALTH_QUEUE_URL": queues["HealthQueue"],
                "EXECUTION_QUEUE_URL": queues["ExecutionQueue"],
                "REFUSED_QUEUE_URL": queues["RefusedEvents"],
                "RECOVERY_QUEUE_URL": queues["RecoveryQueue"],
                "DATA_KEY_ID": make("kms").create_key()["KeyMetadata"]["Arn"],
            }
        )
        yield
