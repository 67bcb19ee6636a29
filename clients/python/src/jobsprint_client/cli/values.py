"""The types of what is typed: JSON, times, lists, pairs and secrets; and where `@file` and `-` are read."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

_AGO = re.compile(r"(\d{1,5})([smhd])")
_STDIN = "jobsprint_client.cli.stdin"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Json(click.ParamType):
    """JSON, `@file` with JSON, or `-` for standard input."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parsed(content(value) if value == "-" or value.startswith("@") else value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class JsonObject(Json):
    """The same for an object."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not isinstance(found, dict):
            self.fail('This is no JSON object, such as {"name": "value"}.', param, ctx)
        return found


class Secret(click.ParamType):
    """A text that should not stand in the shell's history: `@file` and `-` (standard input) give it as well."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if text != "-" and not text.startswith("@"):
            return text
        try:
            return content(text).decode().rstrip("\r\n")
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def moment(text: str) -> str:
    """ISO 8601, or how long ago: `90s`, `15m`, `2h`, `3d`. The service checks the rest."""
    ago = _AGO.fullmatch(text)
    if not ago:
        return text
    then = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Pair(click.ParamType):
    """`NAME=VALUE`, or a JSON object of texts as `{…}`, `@file` or `-`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value == "-" or value.startswith(("@", "{")):
            found: dict[str, Any] = JsonObject().convert(value, param, ctx)
            return found
        name, separator, text = value.partition("=")
        if not name or not separator:
            self.fail(f"{value!r} is not NAME=VALUE.", param, ctx)
        return {name: text}


class Items(click.ParamType):
    """Values separated by commas, of the type given."""

    def __init__(self, item: click.ParamType) -> None:
        self._item = item
        self.name = item.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        if isinstance(value, list):
            return value
        return [self._item.convert(part.strip(), param, ctx) for part in value.split(",") if part.strip()]


def content(source: str) -> bytes:
    """What a file (`@path`) or standard input (`-`) holds. Raises ValueError, which says why it cannot be read."""
    if source == "-":
        meta = click.get_current_context().meta
        if meta.setdefault(_STDIN, 0):
            raise ValueError("Standard input can be read only once")
        meta[_STDIN] = 1
        return sys.stdin.buffer.read()
    try:
        return Path(source.removeprefix("@")).expanduser().read_bytes()
    except OSError as error:
        raise ValueError(f"{source.removeprefix('@')} cannot be read: {error.strerror}") from None


def parsed(text: str | bytes) -> Any:
    """JSON as a value. Raises ValueError, which says why it is not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("This is not JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"This is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise ValueError("This JSON is nested too deeply") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")
