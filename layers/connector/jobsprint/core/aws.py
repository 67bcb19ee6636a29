"""AWS clients: one for each service and container, created on first use. No other module creates one."""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
from botocore.config import Config

from jobsprint.core.config import settings
from jobsprint.core.errors import JobsprintError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

# Short timeouts: a lost connection has to be retried well within API Gateway's 29 s.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,
)
# A request limit that cannot be asked must not hold up the request.
_BRIEF = Config(connect_timeout=0.5, read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 1})
_lock = Lock()  # a session must not create clients in several threads at once; the clients are thread-safe


@cache
def _session(endpoint: str | None) -> boto3.Session:
    """The session for AWS, or for the local stack at `endpoint`, to which `sam local invoke` leads.

    SAM hands on the caller's own credentials, which the local stack does not know.
    """
    if endpoint is None:
        return boto3.Session()
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106 - of the local stack
    session.events.register("needs-retry", _say_what_to_start)
    return session


def _say_what_to_start(caught_exception: Exception | None, attempts: int, **_: object) -> None:
    """Raise JobsprintError for a connection that fails three times.

    The first may be lost as a container starts, and another one while the engine removes another container's network.
    """
    if isinstance(caught_exception, botocore.exceptions.ConnectionError) and attempts > 2:
        message = f"No local stack answers at {settings().aws_endpoint}: start it with make up"
        raise JobsprintError(message) from caught_exception


def _client(service: Any, config: Config = _CONFIG) -> Any:
    endpoint = settings().aws_endpoint
    with _lock:
        return _session(endpoint).client(service, config=config, endpoint_url=endpoint)


@cache
def dynamodb() -> "DynamoDBClient":
    client: DynamoDBClient = _client("dynamodb")
    return client


@cache
def limits_dynamodb() -> "DynamoDBClient":
    """For the request limit, which is asked within half a second or not at all."""
    client: DynamoDBClient = _client("dynamodb", _BRIEF)
    return client


@cache
def sqs() -> "SQSClient":
    client: SQSClient = _client("sqs")
    return client


@cache
def kms() -> "KMSClient":
    client: KMSClient = _client("kms")
    return client


@cache
def s3() -> "S3Client":
    client: S3Client = _client("s3")
    return client


def clear() -> None:
    """Drop every client, so that the next use creates one from the current settings."""
    for client in (dynamodb, limits_dynamodb, sqs, kms, s3):
        client.cache_clear()
