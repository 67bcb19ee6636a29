"""The one place that makes AWS clients: one of each kind per container, made on first use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

import botocore

from jobsprint.core.config import settings


@contextmanager
def _without_documentation() -> Iterator[None]:
    """botocore is imported inside without the modules that write its clients' docstrings, which take a sixth of it."""
    package, writer = ModuleType("botocore.docs"), ModuleType("botocore.docs.docstring")
    found = PathFinder.find_spec(package.__name__, botocore.__path__)
    if "botocore.docs" in sys.modules or not found:
        yield
        return
    package.__path__ = list(found.submodule_search_locations or ())
    for name in ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"):
        setattr(writer, name, lambda *_, **__: None)
    for module in (package, writer):
        sys.modules[module.__name__] = module
    try:
        yield
    finally:
        # Whoever asks for them later gets the real ones.
        for module in (package, writer):
            del sys.modules[module.__name__]


with _without_documentation():
    import botocore.session
    from botocore.config import Config
    from botocore.loaders import Loader

try:
    from aws_models import FOLDER as MODELS  # made by the layer's build (layers/dependencies/aws_models.py)
except ImportError:
    MODELS = None

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from jobsprint.core.aws_http import Transport

# Short: a lost connection must be retried well within API Gateway's 29 s.
_CONNECT_SECONDS = 2
_READ_SECONDS = 10

_CONFIG = Config(
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,
    # What the calls are made of is checked by mypy and by every test; checking it again takes a quarter of the CPU of
    # a long one. A user agent of our own, because botocore composes its own anew for each call.
    parameter_validation=False,
    user_agent="jobsprint-integrations",
)


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    if MODELS:
        # A first client takes 16 ms of CPU over the data of the services in use, and 60 over that of all.
        loader = Loader(extra_search_paths=[MODELS], include_default_search_paths=False)
        session.register_component("data_loader", loader)
    return session


@cache
def _transport() -> "Transport":
    from jobsprint.core.aws_http import Transport  # it loads libcurl, which few functions have

    return Transport(connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS)


def _client(service: str) -> Any:
    client: Any = _session().create_client(service, config=_CONFIG, endpoint_url=settings().aws_endpoint)
    if settings().aws_over_libcurl:
        client.meta.events.register("before-send", _transport().send)
    return client


@cache
def dynamodb() -> "DynamoDBClient":
    client: DynamoDBClient = _client("dynamodb")
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
def apigateway() -> "APIGatewayClient":
    client: APIGatewayClient = _client("apigateway")
    return client


@cache
def s3() -> "S3Client":
    client: S3Client = _client("s3")
    return client
