"""The logger and the metrics. Ids, sizes and codes go in; payloads, headers and secrets never do."""

import json
import sys
import time
from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger

from jobsprint.core.config import settings

NAMESPACE = "Jobsprint/Integrations"
_MAX_VALUES = 100  # of one metric in one line (CloudWatch embedded metric format)

# A line of a request says which operation; a trace is not kept, and both would be a third of what a line costs.
logger = Logger(service="jobsprint-integrations", location=None, xray_trace_id=None)


def count(figures: Mapping[str, int | Sequence[int]], **dimensions: str) -> None:
    """Writes metrics as one line of CloudWatch's embedded metric format: once a batch or call, from one thread.

    By name: a number, or a list of times where the name ends in `Ms`. Zeros and empty lists are left out; a line
    without metrics is not written. Beside the stage, `dimensions` must have few values, as each is a metric of its own
    and billed: never an id or a tenant.
    """
    values = {name: _bounded(figure) for name, figure in figures.items() if figure}
    if not values:
        return
    everywhere = {"stage": settings().stage, **dimensions}
    metrics = [{"Name": name, "Unit": "Milliseconds" if name.endswith("Ms") else "Count"} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(everywhere)], "Metrics": metrics}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps({"_aws": about, **everywhere, **values}, separators=(",", ":")) + "\n")


def _bounded(figure: int | Sequence[int]) -> int | list[int]:
    return figure if isinstance(figure, int) else list(figure)[:_MAX_VALUES]
