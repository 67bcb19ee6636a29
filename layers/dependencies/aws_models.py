"""Writes the part of botocore's data that the functions use, as a package that `jobsprint.core.aws` finds: run by the
build.

    python aws_models.py <folder>

Of the time that a first client takes, most goes into data about services and operations that nobody calls: 440 folders
are listed, and 1.2 MB of endpoints and every line of documentation are read. What stays is botocore's own, unchanged
but for two things that cost at every call of DynamoDB (`PASSED_ON`, `BY_REGION`).
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import botocore.loaders

OPERATIONS = {
    "apigateway": ("CreateApiKey", "CreateUsagePlanKey"),
    "dynamodb": (
        "BatchExecuteStatement", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem",
    ),
    "kms": ("Decrypt", "GenerateDataKey"),
    "s3": ("GetObject", "HeadBucket", "HeadObject", "PutObject"),
    "sqs": ("GetQueueAttributes", "SendMessage", "SendMessageBatch"),
}  # fmt: skip
"""What the functions call, and HeadBucket, by which botocore itself finds a bucket that is in another Region."""

SERVICES = tuple(OPERATIONS)

PASSED_ON = {"dynamodb": ("BatchStatementRequest", "BatchStatementResponse")}
"""Structures that are JSON as they are, given or answered, as long as no value in them is bytes. Marked as documents
(botocore's word for any JSON), they are not taken apart field by field: 500 fields for ten statements."""

BY_REGION = ("dynamodb",)
"""Services whose endpoint is the Region's. Rules would be worked out anew for each call."""

_SHARED = ("_retry", "partitions", "sdk-default-configuration")
_READ_WHOLE = ("clientContextParams",)  # botocore takes their documentation for granted
_PACKAGE = '"""Made by the build: botocore\'s data for the services in use."""\n\nFOLDER = __path__[0]\n'


def main(target: Path) -> None:
    """Writes the package into `target`."""
    loader = botocore.loaders.Loader()
    target.mkdir(parents=True, exist_ok=True)
    (target / "__init__.py").write_text(_PACKAGE)
    for name in _SHARED:
        _write(target / f"{name}.json", loader.load_data(name))
    _write(target / "endpoints.json", _endpoints(loader.load_data("endpoints")))
    for service in SERVICES:
        version = loader.determine_latest_version(service, "service-2")
        # With what botocore adds to a service's own data.
        used = _used(loader.load_service_model(service, "service-2", version), OPERATIONS[service])
        for shape in PASSED_ON.get(service, ()):
            used["shapes"][shape] = {**used["shapes"][shape], "document": True}
        _write(target / service / version / "service-2.json", _trimmed(used))
        if service not in BY_REGION:
            rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
            _write(target / service / version / "endpoint-rule-set-1.json", _trimmed(rules))


def _endpoints(whole: dict[str, Any]) -> dict[str, Any]:
    partitions = [
        {
            **partition,
            "services": {name: partition["services"][name] for name in SERVICES if name in partition["services"]},
        }
        for partition in whole["partitions"]
    ]
    return {**whole, "partitions": partitions}


def _used(whole: dict[str, Any], operations: Iterable[str]) -> dict[str, Any]:
    """The model with these operations alone, and the shapes that they are made of."""
    kept = {name: whole["operations"][name] for name in operations}
    names: set[str] = set()
    found = set(_shapes_in(kept))
    while found:
        names |= found
        found = {name for shape in found for name in _shapes_in(whole["shapes"][shape])} - names
    return {**whole, "operations": kept, "shapes": {name: whole["shapes"][name] for name in sorted(names)}}


def _shapes_in(value: Any) -> Iterator[str]:
    """The names of the shapes that an operation or a shape refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for inner in value.values():
            yield from _shapes_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _shapes_in(inner)


def _trimmed(whole: dict[str, Any]) -> dict[str, Any]:
    kept = {name: whole[name] for name in _READ_WHOLE if name in whole}
    return {**_undocumented(whole), **kept}


def _undocumented(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _undocumented(inner) for name, inner in value.items() if not _is_documentation(name, inner)}
    if isinstance(value, list):
        return [_undocumented(inner) for inner in value]
    return value


def _is_documentation(name: str, value: object) -> bool:
    # A shape or member may have this name too; its value is an object then.
    return name == "documentation" and isinstance(value, str)


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
