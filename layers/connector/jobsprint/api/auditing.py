"""The audit trail of the API: an operation that declares `audited` is recorded before and after it runs.

What a kept answer repeats (`api.idempotency`), and what was refused before its operation ran, leaves no entry.
"""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from jobsprint.audit import trail
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.ids import is_id
from jobsprint.domain.audit import client_of, plain

if TYPE_CHECKING:
    from jobsprint.api.app import Endpoint

_SUBJECTS = ("int", "wh", "tok", "ses", "apr")
_PARAMETER = re.compile(r"\{(\w+)\}")


def record(app: "Endpoint", run: Callable[[], Response[Any]]) -> Response[Any]:
    """The answer of `run`, with an entry for it. Raises Unavailable where nothing can be recorded: nothing ran then."""
    subject, arguments = _asked(app)
    with trail.recorded(
        app.caller,
        str(app.audited),
        subject=subject,
        arguments=arguments,
        client=client_of(app.request_header("user-agent")),
        request_id=app.request_id,
    ) as recording:
        answer = run()
        recording.result = "succeeded" if answer.status_code < 400 else "failed"
        # A recovery that was started is no subject: its webhook is.
        recording.subject = None if is_id(subject or "", *_SUBJECTS) else _made(answer)
    return answer


def _asked(app: "Endpoint") -> tuple[str | None, JsonObject]:
    """The subject, which is the first id in the path, and everything else that was asked: other ids, query and body."""
    event = app.current_event.raw_event
    parameters: dict[str, str] = event.get("pathParameters") or {}
    first, *others = _PARAMETER.findall(event.get("resource", "")) or [""]
    asked: JsonObject = {name: plain(parameters[name]) for name in others if name in parameters}
    asked |= {name: plain(value) for name, value in (event.get("queryStringParameters") or {}).items()}
    return parameters.get(first), {**asked, **(app.current_event.json_body if event.get("body") else {})}


def _made(answer: Response[Any]) -> str | None:
    """The id of what an answer shows."""
    body = json.loads(answer.body) if isinstance(answer.body, str) else answer.body
    data = body.get("data") if isinstance(body, dict) else None
    made = data.get("id") if isinstance(data, dict) else None
    return made if isinstance(made, str) else None
