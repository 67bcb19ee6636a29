"""Writes the part of botocore's data that the functions use, as a package that `jobsprint.aws` finds: run by the build.

    python aws_models.py <folder>

Of the time that a first client takes, most goes into data about services that nobody calls: 440 folders are listed, and
1.2 MB of endpoints and every line of documentation are read. What stays is botocore's own, unchanged.
"""

import json
import sys
from pathlib import Path
from typing import Any

import botocore.loaders

SERVICES = ("apigateway", "dynamodb", "kms", "s3", "sqs")
_SHARED = ("_retry", "partitions", "sdk-default-configuration")
_OF_SERVICE = ("service-2", "endpoint-rule-set-1")
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
        for kind in _OF_SERVICE:
            # With what botocore adds to a service's own data.
            whole = loader.load_service_model(service, kind, version)
            _write(target / service / version / f"{kind}.json", _trimmed(whole))


def _endpoints(whole: dict[str, Any]) -> dict[str, Any]:
    partitions = [
        {
            **partition,
            "services": {name: partition["services"][name] for name in SERVICES if name in partition["services"]},
        }
        for partition in whole["partitions"]
    ]
    return {**whole, "partitions": partitions}


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
