"""Patterns of schemas: what is accepted takes little memory and time, in the memory that the functions have.

Each case runs in a process of its own, which may use no more memory than the smallest function has.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from jobsprint.core.cache import BoundedCache
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.json_schema import Checker, check_schema
from jobsprint.delivery import schema_check
from tests.support.template import functions, import_path, template

MAX_MB = 64
MAX_SECONDS = 0.2

_MEASURED = """
import json, resource, sys, time

def used():
    # Not getrusage: its peak is that of the parent, too.
    [peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(peak) // 1024

schema, value = json.load(sys.stdin)
import jsonschema_rs
from jobsprint.core.json_schema import Checker, check_schema
from jobsprint.connectors.mcp.tools import Listing

jsonschema_rs.validator_for({"type": "object", "properties": {"a": {"pattern": "a"}}})
resource.setrlimit(resource.RLIMIT_DATA, (MEGABYTES * 1024 * 1024,) * 2)
before, started = used(), time.process_time()
MEASURED
print(json.dumps({"mb": used() - before, "seconds": time.process_time() - started, "said": said}))
"""
_ONE_SCHEMA = """
try:
    check_schema(schema)
    accepted, done = time.process_time() - started, time.process_time()
    checker = Checker(schema)
    compiled = time.process_time() - done
    said = [accepted, compiled, [detail.message for detail in checker.details(value, "data")]]
except ValueError as error:
    said = str(error)
"""
_LISTING = """
listing = Listing()
page = {"tools": [{"name": f"t{n}", "inputSchema": one} for n, one in enumerate(schema)]}
listing.add(page, lambda _: True, modern=True)
said = [len(listing.tools), listing.dropped]
"""


def smallest_mb() -> int:
    """The memory of the smallest function that meets schemas."""
    usual = template()["Globals"]["Function"]["MemorySize"]
    return min(int(properties.get("MemorySize", usual)) for properties in functions().values())


def measured(script: str, schema: Any, value: Any = None) -> dict[str, Any]:
    code = _MEASURED.replace("MEASURED", script).replace("MEGABYTES", str(smallest_mb()))
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([schema, value]),
        env={"PYTHONPATH": ":".join(import_path())},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def properties(*patterns: str) -> JsonObject:
    """A schema with a property for each pattern."""
    return {"type": "object", "properties": {f"p{n}": {"pattern": pattern} for n, pattern in enumerate(patterns)}}


def repeated(pattern: str, count: int) -> JsonObject:
    """A schema with so many different patterns: each `{n}` is another number."""
    return properties(*(pattern.replace("{n}", str(n)) for n in range(count)))


HEAVY = [
    repeated(r"^\p{L}{130}x{n}$", 45),  # 1.8 KB that took 366 MB and 6 s
    properties(r"^\p{L}{130}x$"),
    repeated(r"\p{L}{9}{n}", 200),
    repeated("^.{1,250}{n}$", 100),
    repeated("x{n}", 1000),
    properties("(((a{1000}){1000}){1000}){1000}"),
    properties(r"(((\p{L}{100}){100}){100}){100}"),
    properties("(?i)" + r"[\p{L}\P{L}]|" * 500 + "x"),
    properties(r"\p{L}|" * 3000 + "x"),
    properties("(?i:x)"),
    properties("[" + r"\p{L}" * 6000 + "]"),
    properties("[" + "\x80-\U0010ffff" * 20_000 + "]"),
    properties("(" + r"\W|[^a]|" * 300 + "x)?"),
    properties("|".join(f"[a{chr(0x100 + 2 * n)}]" for n in range(6500))),
    properties(*["(" * 1000 + str(n) for n in range(20)]),
    {"type": "object", "patternProperties": {rf"^\p{{L}}{{130}}x{n}$": {} for n in range(45)}},
    {"type": "object", "$ref": "#/examples/0", "examples": [repeated(r"^\p{L}{130}x{n}$", 45)]},
]


@pytest.mark.parametrize("schema", HEAVY, ids=lambda schema: json.dumps(schema)[:60])
def test_a_schema_whose_patterns_take_much_is_refused_at_once(schema: JsonObject) -> None:
    found = measured(_ONE_SCHEMA, schema, {})
    assert isinstance(found["said"], str), found
    assert "pattern" in found["said"]
    assert found["mb"] < MAX_MB
    assert found["seconds"] < MAX_SECONDS


TEXT = "ab" * 100_000
WORST = {
    "as large as patterns may be": (repeated("^.{1,25{n}}$", 6), {"p0": TEXT}),
    "as many as may be": (repeated("[ab]*a[ab]{2}{n}", 400), {f"p{n}": TEXT[:1000] for n in range(400)}),
    "of medium size": (repeated("^[a-z0-9]{2{n}}$", 40), {f"p{n}": TEXT for n in range(2)}),
    "classes of letters": (properties("[" + r"\p{L}\p{N}" * 50 + "]"), {"p0": TEXT}),
    "ranges": (properties("[" + "\x80-\U0010ffff" * 800 + "]"), {"p0": TEXT}),
    "negated classes": (properties("(" + r"\W|[^a]|" * 100 + "x)?"), {"p0": TEXT}),
    "small classes": (
        properties(*("|".join(f"[{chr(97 + m)}{chr(0x100 + 2 * n)}]" for n in range(490)) for m in range(4))),
        {"p0": TEXT},
    ),
    "a search that starts everywhere": (properties("a[ab]{1000}c"), {"p0": TEXT}),
    "small patterns, much text": (repeated("[ab]*a[ab]{9}c{n}", 20), {f"p{n}": TEXT[:10_000] for n in range(20)}),
    "no patterns": ({"type": "object", "allOf": [{"not": {}}] * 1200}, {}),
    "many properties": ({"type": "object", "properties": {f"p{n}": {"minLength": 1} for n in range(600)}}, {}),
}


@pytest.mark.parametrize("case", WORST)
def test_the_worst_that_is_accepted_takes_little(case: str) -> None:
    schema, value = WORST[case]
    found = measured(_ONE_SCHEMA, schema, value)
    assert isinstance(found["said"], list), found
    accepted, compiled, _ = found["said"]
    assert found["mb"] < MAX_MB
    assert max(accepted, compiled) < MAX_SECONDS
    assert found["seconds"] < 1.5, "a value of 200 KB included"


def test_the_tools_of_a_server_take_little_together() -> None:
    tools = [repeated(f"^.{{1,25{{n}}}}{tool}$", 3) for tool in range(1000)]
    found = measured(_LISTING, tools)
    kept, dropped = found["said"]
    assert kept + dropped == 1000
    assert kept > 0
    assert found["mb"] < MAX_MB
    assert found["seconds"] < 5


def test_a_thousand_usual_tools_are_kept() -> None:
    usual = ["^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$", r"^\d{4}-\d{2}-\d{2}$"]
    found = measured(_LISTING, [properties(*usual, f"^https://example.com/{n}/") for n in range(1000)])
    assert found["said"] == [1000, 0]


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$",
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "^.{1,255}$",
        r"^[\w.-]{1,128}$",
        r"^\p{L}+$",
        r"^\(?i\)$",
        "^(?:a|b)(?P<c>d)$",
    ],
)
def test_patterns_of_daily_use_are_accepted_with_many_others(pattern: str) -> None:
    check_schema(properties(pattern, *(f"^[a-z]{{1,{n + 2}}}-[0-9]+$" for n in range(50))))


def test_a_text_too_long_for_the_patterns_is_checked_for_all_else() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "a[ab]{1000}c"}, "b": {"type": "integer"}},
    }
    checker = Checker(schema)
    assert checker.details({"a": "short"}, "data")
    assert checker.details({"a": TEXT}, "data") == ()
    assert [detail.field for detail in checker.details({"a": TEXT[:90_000], "b": "x"}, "data")] == ["data.b"]


def test_checkers_are_kept_by_bytes() -> None:
    schema_check.forget()
    checker = Checker(repeated("^[a-z0-9]{20{n}}$", 9))
    for number in range(1000):
        schema_check.cached_types["acme", f"type{number}"] = (0.0, checker)
    kept = sum(entry[1].kept_bytes for entry in schema_check.cached_types.values() if isinstance(entry[1], Checker))
    schema_check.forget()
    assert 0 < kept <= 24 * 1024 * 1024


def test_a_cache_may_count_bytes() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10, size_of=int)
    cache["a"], cache["b"] = 4, 6
    cache["a"] = 3
    assert cache == {"a": 3, "b": 6}
    cache["c"] = 2
    assert cache == {"c": 2}
    cache["d"] = 11
    assert cache == {"d": 11}
    cache.clear()
    cache["a"] = 10
    assert cache.size == 10
