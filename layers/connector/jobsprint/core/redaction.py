"""Masking, so that no secret reaches a stored log, a response or a log line (docs/api-contract.md, "Values").

Three rules together: fields whose names say that they hold a secret, values shaped like a token, and the secrets that
were used in this call.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, unquote, urlsplit, urlunsplit

from jobsprint.core.canonical_json import JsonValue

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
# A path segment or query value that was generated, not typed: long, and letters mixed with digits.
_RANDOM_PART = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_\-~+=.%:,;@!$*]{20,}")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
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
    """Mask token shapes and the given `secrets` (also in their URL spelling) in `text`."""
    return redactor(secrets)(text)


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that does what `redact_text` does, for many texts with the same secrets."""
    spellings = _spellings(secrets)
    return lambda text: _TOKEN_SHAPES.sub(MASK, _without(text, spellings))


def _rewrite(value: JsonValue, text: Callable[[str], str], *, hide_named: bool) -> JsonValue:
    match value:
        case str():
            return text(value)
        case list():
            return [_rewrite(element, text, hide_named=hide_named) for element in value]
        case dict():
            return {
                text(name): _rewrite(element, _hidden, hide_named=False)
                if hide_named and is_secret_name(name)
                else _rewrite(element, text, hide_named=hide_named)
                for name, element in value.items()
            }
        case bool() | None:
            return value
        case _:
            return MASK if text(str(value)) == MASK else value


def _hidden(_: str) -> str:
    return MASK


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    found = {spelling for secret in secrets for spelling in _ways_to_write(secret)}
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True))


def _ways_to_write(secret: str) -> Iterable[str]:
    scheme, _, rest = secret.partition(" ")
    bare = rest if scheme.lower() in {"bearer", "basic", "token", "apikey"} else ""
    for text in (secret, bare):
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield base64.b64encode(text.encode()).decode()
        for escaped in (quote(text, safe=""), quote_plus(text), quote(text, safe="!'()*")):
            yield escaped
            yield _ESCAPE.sub(lambda found: found.group().lower(), escaped)


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def shown_url(url: str) -> str:
    """Mask the user info, token-like query values and secret path segments of `url`."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if _RANDOM_PART.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = "&".join(_shown_pair(pair) for pair in parts.query.split("&"))
    return _TOKEN_SHAPES.sub(MASK, urlunsplit((parts.scheme, host, path, query, parts.fragment and MASK)))


def url_secrets(url: str) -> tuple[str, ...]:
    """The parts that `shown_url` masks, as spelled in the URL and decoded."""
    parts = urlsplit(url)
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    found = [segment for segment in parts.path.split("/") if _RANDOM_PART.fullmatch(segment)]
    found += [value for name, _, value in pairs if _hides(name, value)]
    return tuple(dict.fromkeys(spelling for text in found for spelling in (text, unquote(text))))


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return name + equals + (MASK if _hides(name, value) else value)


def _hides(name: str, value: str) -> bool:
    return bool(value) and (is_secret_name(name) or _RANDOM_PART.fullmatch(value) is not None)
