"""Compares an answer with an example of the documentation: same keys, same JSON types, same forms of ids and times."""

import re
from collections.abc import Collection
from typing import Any

_FORMS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")),
    (re.compile(r"int_\w+"), re.compile(r"int_[0-9a-z]{26}")),
    (re.compile(r"wh_\w+"), re.compile(r"wh_[0-9a-z]{26}")),
    (re.compile(r"log_\w+"), re.compile(r"log_[0-9a-z]{26}")),
    (re.compile(r"cursor_\w+"), re.compile(r"cursor_[\w-]{20,}")),
)


def differences(example: Any, actual: Any, *, extra: Collection[str] = (), at: str = "") -> list[str]:
    """What is not as in the example. `extra` are the paths of keys that may come on top, such as `data.health`."""
    if isinstance(example, dict) and isinstance(actual, dict):
        missing = [f"{at}.{key} is missing" for key in example if key not in actual]
        paths = {key: f"{at}.{key}".removeprefix(".") for key in actual}
        surplus = [f"{paths[key]} is extra" for key in actual if key not in example and paths[key] not in extra]
        deeper = [
            line
            for key in example
            if key in actual
            for line in differences(example[key], actual[key], extra=extra, at=paths[key])
        ]
        return missing + surplus + deeper
    if isinstance(example, list) and isinstance(actual, list):
        if len(example) != len(actual):
            return [f"{at} has {len(actual)} elements, not {len(example)}"]
        return [
            line
            for one, other in zip(example, actual, strict=True)
            for line in differences(one, other, extra=extra, at=at)
        ]
    if isinstance(example, float) and isinstance(actual, int | float):
        return []
    if type(example) is not type(actual):
        return [f"{at} is {actual!r}, not like {example!r}"]
    return _form(example, actual, at) if isinstance(example, str) else []


def _form(example: str, actual: str, at: str) -> list[str]:
    wrong = any(known.fullmatch(example) and not form.fullmatch(actual) for known, form in _FORMS)
    return [f"{at} is {actual!r}, not of the form of {example!r}"] if wrong else []
