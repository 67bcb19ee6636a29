"""JSON as other systems write it."""

import json

from jobsprint.domain.canonical import JsonValue, too_deep
from jobsprint.domain.errors import UpstreamFailed
from jobsprint.domain.models import JsonObject


def read_json(text: str) -> JsonValue:
    """JSON as others write it: `NaN` is taken for null, and halves of surrogate pairs, which no log can hold, for `?`.

    Raises JSONDecodeError for what is no JSON, and UpstreamFailed for what nobody could hand on.
    """
    try:
        answer: JsonValue = json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # an integer of over 4,300 digits; nesting
        raise UpstreamFailed("The answer cannot be read", code="upstream_answer_unreadable") from error
    if too_deep(answer, text):
        raise UpstreamFailed("The answer is nested too deeply", code="upstream_answer_unreadable")
    if "\\u" in text:
        answer = json.loads(json.dumps(answer, ensure_ascii=False).encode(errors="replace"))
    return answer


def read_object(body: bytes) -> JsonObject | None:
    """The JSON object in the body of an answer, read as `read_json` does; None for anything else."""
    try:
        found = read_json(body.decode("utf-8-sig", errors="replace"))
    except (json.JSONDecodeError, UpstreamFailed):
        return None
    return found if isinstance(found, dict) else None
