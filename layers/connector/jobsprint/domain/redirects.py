"""Where a person's browser may be sent back to after giving consent: read strictly, as a browser will follow it."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

# Printable ASCII alone, no user info, no backslash, no fragment: what browsers and parsers read alike.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[^?#\\\"<>^`{|}\s]*)?(?P<query>\?[^#\\\"<>^`{|}\s]*)?",
    re.IGNORECASE | re.ASCII,
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def redirect_origin(url: str) -> str:
    """The origin (`https://app.example.com`) that `url` leads to, as browsers write it.

    Raises ValueError unless it is https, or http to this very machine, and plainly written.
    """
    parts = _URL.fullmatch(url)
    if not parts or not url.isascii() or not url.isprintable():
        raise ValueError("an https URL without user name, fragment or unescaped characters")
    scheme, host, port = parts["scheme"].lower(), parts["host"].lower(), parts["port"] or ""
    if scheme == "http" and host not in _LOCAL:
        raise ValueError("an https URL; plain http is for localhost only")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def redirect_back(url: str, answer: Mapping[str, str]) -> str:
    """`url` with `answer` in its query; parameters of these names that it had already are replaced."""
    base, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in answer]
    return f"{base}?{'&'.join([*kept, urlencode(answer)])}"
