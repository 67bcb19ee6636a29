"""Field types that every request body shares, with the contract's limits (section 6)."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from jobsprint.domain import rules
from jobsprint.security.signing import check_secret


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("printable characters only, and not blank")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    seen = {name.lower() for name in headers}
    if len(seen) != len(headers):
        raise ValueError("two headers have the same name")
    for name, value in headers.items():
        try:
            rules.check_header(name, value)
        except ValueError as error:
            raise ValueError(f"{name[:40]!r}: {error}") from error
    return headers


def _secret(secret: str) -> str:
    check_secret(secret)
    return secret


Name = Annotated[str, Field(min_length=1, max_length=rules.MAX_NAME), AfterValidator(_printable)]
Description = Annotated[str, Field(max_length=rules.MAX_DESCRIPTION)]
Url = Annotated[str, Field(min_length=1, max_length=rules.MAX_URL)]
Headers = Annotated[dict[str, str], Field(max_length=rules.MAX_HEADERS), AfterValidator(_headers)]
Secret = Annotated[str, AfterValidator(_secret)]
Configuration = Annotated[dict[str, Any], Field(max_length=50)]
