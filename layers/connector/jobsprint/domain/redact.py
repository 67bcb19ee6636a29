"""Masking: secrets never reach a log row, an answer or a log line (contract sections 2, 3 and 6).

Three rules stand together: names that say they hold a secret, values shaped like a token, and the very secrets that
were used in this call.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit, urlunsplit

from jobsprint.domain.canonical import JsonValue

MASK = "••••••"
_SECRET_NAME = re.compile(
    r"(?:^|[_\-. ])(?:authorization|cookie|passw(?:or)?d|passphrase|secret|token|credential|signature|sig|api[_\-]?key|"
    r"access[_\-]?key|private[_\-]?key|client[_\-]?secret|auth|otp|pin|session)s?(?:$|[_\-. ])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN_SHAPES = re.compile(
    r"""
    \bBearer\s+[A-Za-z0-9._~+/=-]{8,}            # RFC 6750
    | \bBasic\s+[A-Za-z0-9+/]{12,}={0,2}          # RFC 7617
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*   # JWT, RFC 7519
    | \bwhsec_[A-Za-z0-9+/=]{8,}
    | \bjsp_[0-9a-z]{26}_[A-Za-z0-9_-]{20,}       # our own tokens
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
# A path segment or query value that nobody types by hand: long, and letters mixed with digits.
_RANDOM_PART = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_\-~+=.%]{20,}")
_SHORTEST_SECRET = 4


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: `apiKey`, `access_token`, `Authorization`, …"""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def redact(value: JsonValue, secrets: Iterable[str] = ()) -> JsonValue:
    """A copy of `value` with secret-named fields, token-shaped texts and the given `secrets` masked at any depth."""
    spellings = _spellings(secrets)
    return _rewrite(value, lambda text: _TOKEN_SHAPES.sub(MASK, _without(text, spellings)), hide_named=True)


def mask_secrets(value: JsonValue, secrets: Iterable[str]) -> JsonValue:
    """A copy of `value` with only the given `secrets` masked: for a result that goes back to its tenant."""
    spellings = _spellings(secrets)
    return _rewrite(value, lambda text: _without(text, spellings), hide_named=False)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with token shapes and the given `secrets` (also in their URL spelling) masked."""
    return _TOKEN_SHAPES.sub(MASK, _without(text, _spellings(secrets)))


def _rewrite(value: JsonValue, text: Callable[[str], str], *, hide_named: bool) -> JsonValue:
    match value:
        case str():
            return text(value)
        case list():
            return [_rewrite(element, text, hide_named=hide_named) for element in value]
        case dict():
            return {
                text(name): MASK
                if hide_named and _hides(name, element)
                else _rewrite(element, text, hide_named=hide_named)
                for name, element in value.items()
            }
        case _:
            return value


def _hides(name: str, value: JsonValue) -> bool:
    return is_secret_name(name) and isinstance(value, str | int | float) and not isinstance(value, bool)


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    found = {spelling for secret in secrets for spelling in _ways_to_write(secret)}
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True))


def _ways_to_write(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    scheme, _, rest = secret.partition(" ")
    if rest and scheme.lower() in {"bearer", "basic", "token", "apikey"}:
        yield rest
        yield quote(rest, safe="")


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def shown_url(url: str) -> str:
    """`url` as it may be shown: user info, token-like query values and secret path segments are masked."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if _RANDOM_PART.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = "&".join(_shown_pair(pair) for pair in parts.query.split("&"))
    return _TOKEN_SHAPES.sub(MASK, urlunsplit((parts.scheme, host, path, query, parts.fragment and MASK)))


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    hide = value and (is_secret_name(name) or _RANDOM_PART.fullmatch(value))
    return name + equals + (MASK if hide else value)
