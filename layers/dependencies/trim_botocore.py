"""Remove the part of the layer's own `botocore/data` that no function reads; the Makefile runs it after pip install.

To create a client, boto3 reads its service's whole model. Removed are whole services, operations not listed below,
shapes that only those use, and documentation; what remains is unchanged. A build that cannot do this fails.
"""

import gzip
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

OPERATIONS = {
    "apigateway": ("CreateApiKey", "CreateUsagePlanKey"),
    "dynamodb": ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "kms": ("Decrypt", "GenerateDataKey"),
    "s3": ("GetObject", "HeadBucket", "HeadObject", "PutObject"),  # by HeadBucket boto3 finds a bucket's region
    "sqs": ("GetQueueAttributes", "SendMessage", "SendMessageBatch"),
}


def main(data: Path) -> None:
    """Trim the folder. Raises OSError, KeyError or ValueError where botocore's data is not as expected."""
    for unused in [path for path in data.iterdir() if path.is_dir() and path.name not in OPERATIONS]:
        shutil.rmtree(unused)
    for service, operations in OPERATIONS.items():
        packed = max((data / service).iterdir()) / "service-2.json.gz"
        model = json.loads(gzip.decompress(packed.read_bytes()))
        packed.with_suffix("").write_text(json.dumps(trimmed(model, operations)))
        packed.unlink()


def trimmed(model: dict[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    """The model with these operations and the shapes that they reach, both without documentation."""
    kept = {name: model["operations"][name] for name in operations}
    reached, found = set[str](), _shapes(kept)
    while found:
        reached |= found
        found = _shapes([model["shapes"][name] for name in found]) - reached
    parts = json.dumps({"operations": kept, "shapes": {name: model["shapes"][name] for name in sorted(reached)}})
    return {**model, **json.loads(parts, object_hook=undocumented)}


def undocumented(value: dict[str, Any]) -> dict[str, Any]:
    """The object without its documentation, which is text; a member of that name is an object."""
    return {name: inner for name, inner in value.items() if name != "documentation" or not isinstance(inner, str)}


def _shapes(value: object) -> set[str]:
    return set(re.findall(r'"shape": "(\w+)"', json.dumps(value)))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) / "botocore" / "data")
    except (IndexError, OSError, KeyError, ValueError) as error:
        sys.exit(f"botocore's data could not be trimmed: {error!r}")
