"""What the log of an integration shows."""

import json
from typing import Annotated, Any

from typing_extensions import TypedDict

from jobsprint.domain.inputs import Described
from jobsprint.domain.models import LogEntry, LogStatus
from jobsprint.domain.times import iso_millis


class LogView(TypedDict):
    """One logged call."""

    logId: str
    action: str
    status: LogStatus
    input: Any
    output: Any
    executionTime: Annotated[int, Described("Milliseconds")]
    timestamp: str


def log_view(entry: LogEntry) -> LogView:
    """As the seed shows it; the time is to the millisecond."""
    return LogView(
        logId=entry.id,
        action=entry.action,
        status=entry.status,
        input=json.loads(entry.input),
        output=json.loads(entry.output),
        executionTime=entry.execution_ms,
        timestamp=iso_millis(entry.at),
    )
