"""The query parameters of an operation, and those that it does not take."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from aws_lambda_powertools.event_handler.openapi.params import Query

from jobsprint.core.errors import Detail


def query_parameters(function: Callable[..., Any]) -> list[str]:
    """The names of a route function's arguments that are declared as `Query`, in their order."""
    hints = get_type_hints(function, include_extras=True)
    return [name for name, hint in hints.items() if _is_query(hint)]


def unknown_query(sent: Iterable[str], known: Sequence[str]) -> list[Detail]:
    """Each parameter that is sent and not known, with those that the caller may have meant."""
    return [Detail(f"query.{name}", _meant(name, known)) for name in sent if name not in known]


def _meant(name: str, known: Sequence[str]) -> str:
    if not known:
        return "this operation takes no query parameters"
    close = get_close_matches(name, known, n=1) or known
    return f"there is no such parameter; did you mean {' or '.join(close)}?"


def _is_query(hint: Any) -> bool:
    # `Annotated[...] | None` keeps the annotation one level down.
    return any(isinstance(part, Query) or _is_query(part) for part in get_args(hint))
