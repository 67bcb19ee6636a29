"""Masking, so that no secret reaches a stored log, a response or a log line (docs/api-contract.md, "Values").

`Masker` replaces the secrets of a call in what its upstream says; `redact` replaces what looks like a secret. A text is
masked before it is cut: a secret on the edge would otherwise be recognised no more.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast

from jobsprint.core.canonical_json import JsonValue
from jobsprint.core.secret_finder import SecretFinder

MASK = "••••••"
_SECRET_NAME = re.compile(
    r"(?:^|[_\-. ])(?:authorization|cookie|passw(?:or)?d|passphrase|secret|token|credential|signature|sig|api[_\-]?key|"
    r"access[_\-]?key|private[_\-]?key|client[_\-]?secret|auth|otp|pin|session|pwd|jwt|bearer)s?\d*(?:$|[_\-. ])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TOKEN_SHAPES = re.compile(
    r"""
    \bBearer\s+[A-Za-z0-9._~+/=-]{8,}            # RFC 6750
    | \bBasic\s+[A-Za-z0-9+/]{12,}={0,2}          # RFC 7617
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*   # JWT, RFC 7519
    | \bwhsec_[A-Za-z0-9+/=]{8,}
    | \b(?:jsp|jps|jpc)_[0-9a-z]{26}_[A-Za-z0-9_-]{20,}  # our own tokens, those of sessions, and their codes
    | \b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{8,}
    | \bgh[opsur]_[A-Za-z0-9]{20,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bAKIA[0-9A-Z]{16}\b
    | \bAIza[0-9A-Za-z_-]{30,}
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|$)
    """,
    re.VERBOSE,
)

_Value = TypeVar("_Value")


class Masker:
    """Masks given secrets, in any spelling, in what comes back from a call that was made with them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._finder = SecretFinder(secrets, MASK)

    def text(self, text: str, *, cut_off: bool = False) -> str:
        """`text` without the secrets; of one that was `cut_off` while it was read, without the start of one either."""
        return self._finder.masked(text, cut_off=cut_off)

    def value(self, value: _Value) -> _Value:
        """JSON with the secrets masked in its texts at any depth; names and numbers stay as they are."""
        json = cast(JsonValue, value)
        if not self._finder.finds_in("\x1f".join(_texts(json))):
            return value
        return cast(_Value, _rewrite(json, self._finder.masked))


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: `apiKey`, `access_token`, `Authorization`, …"""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def redact(value: JsonValue) -> JsonValue:
    """A copy of `value` with secret-named fields and token-shaped texts masked at any depth."""
    match value:
        case str():
            return redact_text(value)
        case list():
            return [redact(element) for element in value]
        case dict():
            return {
                redact_text(name): _hidden(element) if is_secret_name(name) else redact(element)
                for name, element in value.items()
            }
        case _:
            return value


def redact_text(text: str) -> str:
    """Mask what has the shape of a token in `text`."""
    return _TOKEN_SHAPES.sub(MASK, text)


def _hidden(value: JsonValue) -> JsonValue:
    match value:
        case list():
            return [_hidden(element) for element in value]
        case dict():
            return {name: _hidden(element) for name, element in value.items()}
        case bool() | None:
            return value
        case _:
            return MASK


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for element in value:
                yield from _texts(element)
        case dict():
            for element in value.values():
                yield from _texts(element)


def _rewrite(value: JsonValue, text: Callable[[str], str]) -> JsonValue:
    match value:
        case str():
            return text(value)
        case list():
            return [_rewrite(element, text) for element in value]
        case dict():
            return {name: _rewrite(element, text) for name, element in value.items()}
        case _:
            return value
