"""The template's AWS resources on moto: made by AWS's API once a process, and copied from then on, in a millisecond."""

import copyreg
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from threading import Condition, RLock
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.backends import get_backend
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3 import s3_backends

from tests.support.template import create_queues, create_tables

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "catalog"
AUDIT_BUCKET = "audit"

# Each of moto's queues has one, which by itself cannot be copied.
copyreg.pickle(Condition, lambda _: (Condition, ()))


def create_resources(client: Callable[[str], Any]) -> dict[str, str]:
    """Creates every table and queue, the buckets and keys: what `!Ref` gives, by logical id.

    `client` makes the AWS client of a service.
    """
    for bucket in (BUCKET, AUDIT_BUCKET):
        client("s3").create_bucket(Bucket=bucket)
    client("s3").put_bucket_versioning(Bucket=AUDIT_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    # moto gives every key an RSA pair, which takes 50 ms; a symmetric one never uses it.
    with patch("moto.kms.models.generate_private_key", return_value=None):
        key = client("kms").create_key()["KeyMetadata"]["Arn"]
    signing = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    tables, queues = create_tables(client("dynamodb")), create_queues(client("sqs"))
    made = {"CatalogBucket": BUCKET, "AuditBucket": AUDIT_BUCKET, "DataKey": key, "AuditKey": signing}
    return {**tables, **queues, **made}


@contextmanager
def one_request_at_a_time() -> Iterator[None]:
    """While the block runs, moto works one request at a time.

    It checks a condition in one step and writes in another; in DynamoDB no other write comes in between.
    """
    lock, work = RLock(), BotocoreStubber.__call__

    def locked(stubber: Any, *given: Any, **named: Any) -> Any:
        with lock:
            return work(stubber, *given, **named)

    with patch.object(BotocoreStubber, "__call__", locked):
        yield


@contextmanager
def on_moto() -> Iterator[dict[str, str]]:
    """AWS with these and nothing else while the block runs: what `!Ref` gives, by logical id."""
    made, kept = _kept()
    with mock_aws(), one_request_at_a_time():
        for name, state in kept.items():
            vars(_backend(name)).update(deepcopy(state))
        buckets = s3_backends[ACCOUNT]["aws"]
        for bucket in (BUCKET, AUDIT_BUCKET):
            buckets.create_bucket(bucket, REGION)
        buckets.put_bucket_versioning(AUDIT_BUCKET, "Enabled")
        yield dict(made)


@cache
def _kept() -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """What was made, and the state of moto's backends with it; S3's is not kept, where a bucket is quick to make."""
    with mock_aws():
        made = create_resources(boto3.client)
        return made, {name: deepcopy(vars(_backend(name))) for name in ("dynamodb", "sqs", "kms")}


def _backend(name: str) -> Any:
    return get_backend(name)[ACCOUNT][REGION]
