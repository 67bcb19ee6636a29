"""What the emulator's queue pollers read wrongly, mended after every deploy.

A number that comes from a template parameter reaches them as text, and one such text stops the polling of every queue.
"""

from tools.local.stack import client


def fill_gaps(endpoint: str) -> None:
    """Make each event source's concurrency limit a number."""
    functions = client("lambda", endpoint)
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
            if limit is not None:
                functions.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
                )
