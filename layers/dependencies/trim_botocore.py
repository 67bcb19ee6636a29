"""Remove the part of the layer's own `botocore/data` that no function reads; the Makefile runs it after pip install.

To create a client, boto3 reads its service's whole model and the endpoints of all services. Removed are other services,
operations not listed below, shapes that only those use, and documentation; the rest is unchanged.
"""

import gzip
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

OPERATIONS = {
    "dynamodb": ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"),
    "kms": ("Decrypt", "GenerateDataKey", "Sign"),
    "s3": ("GetObject", "HeadBucket", "HeadObject", "PutObject"),  # by HeadBucket boto3 finds a bucket's region
    "sqs": ("GetQueueAttributes", "SendMessage", "SendMessageBatch"),
}


def main(data: Path) -> None:
    """Trim the folder. Raises OSError, KeyError or ValueError where botocore's data is not as expected."""
    for folder in {path.name for path in data.iterdir() if path.is_dir()} - OPERATIONS.keys():
        shutil.rmtree(data / folder)
    for service, operations in OPERATIONS.items():
        packed = max((data / service).iterdir()) / "service-2.json.gz"
        model = trimmed(json.loads(gzip.decompress(packed.read_bytes())), operations)
        packed.with_suffix("").write_text(json.dumps(model))
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in OPERATIONS}
    (data / "endpoints.json").write_text(json.dumps(endpoints))


def trimmed(model: dict[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    """The model with these operations and the shapes that they reach, both without documentation."""
    kept, reached = {name: model["operations"][name] for name in operations}, set[str]()
    found = _shapes(kept)
    while found:
        reached |= found
        found = _shapes([model["shapes"][name] for name in found]) - reached
    parts = json.dumps({"operations": kept, "shapes": {name: model["shapes"][name] for name in sorted(reached)}})
    return {**model, **json.loads(parts, object_hook=_undocumented)}


def _undocumented(value: dict[str, Any]) -> dict[str, Any]:  # a member with the name "documentation" is an object
    return {name: inner for name, inner in value.items() if name != "documentation" or not isinstance(inner, str)}


def _shapes(value: object) -> set[str]:
    return set(re.findall(r'"shape": "(\w+)"', json.dumps(value)))


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "botocore" / "data")
