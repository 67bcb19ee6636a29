"""What the emulator's queue pollers lack, mended after every deploy.

CloudFormation turns a parameter into the number that a property wants; the emulator leaves it a text, and its poller
then stops at comparing them.
"""

from typing import Any

from local.stack import client


def fill_gaps(endpoint: str) -> None:
    """Make every concurrency limit a number."""
    functions = client("lambda", endpoint)
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            _mend(functions, mapping)


def _mend(functions: Any, mapping: dict[str, Any]) -> None:
    limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
    if isinstance(limit, str):
        functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)})
