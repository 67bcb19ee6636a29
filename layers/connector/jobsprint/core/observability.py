"""The logger and the metrics. They take ids, sizes and codes; never payloads, headers or secrets."""

import json
import sys
import time
from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger

from jobsprint.core.config import function_name, settings

NAMESPACE = "Jobsprint/Integrations"
_MAX_VALUES = 100  # of one metric in one line (CloudWatch embedded metric format)

# Without location and trace id: each request line names its operation, traces are not kept, and the two fields would be
# a third of what a line costs.
logger = Logger(service="jobsprint-integrations", location=None, xray_trace_id=None, function=function_name())


def count(metrics: Mapping[str, int | Sequence[int]], **dimensions: str) -> None:
    """Write metrics as one line of CloudWatch's embedded metric format: once a batch or call, from one thread.

    `metrics` has a number by name, or a list of times where the name ends in `Ms`. Zeros and empty lists are left
    out; a line without metrics is not written. Beside the stage, `dimensions` must have few values, as each is a metric
    of its own and billed: never an id or a tenant.
    """
    values = {name: _bounded(value) for name, value in metrics.items() if value}
    if not values:
        return
    dimensions = {"stage": settings().stage, **dimensions}
    definitions = [{"Name": name, "Unit": "Milliseconds" if name.endswith("Ms") else "Count"} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": definitions}
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps({"_aws": metadata, **dimensions, **values}, separators=(",", ":")) + "\n")


def _bounded(value: int | Sequence[int]) -> int | list[int]:
    return value if isinstance(value, int) else list(value)[:_MAX_VALUES]
