"""Event patterns: the operators as the EventBridge user guide describes them, laws, flaws and bounds.

`patterns_ruler.jsonl` holds made-up patterns and documents with the results of aws/event-ruler 1.8.1.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain.event_patterns import (
    EFFORT,
    MAX_ALTERNATIVES,
    MAX_BYTES,
    MAX_FLAWS,
    Exhausted,
    Pattern,
    PatternError,
)

RULER = [json.loads(line) for line in (Path(__file__).parent / "patterns_ruler.jsonl").read_text().splitlines()]
ABSENT = object()


def matches(pattern: Any, document: Any) -> bool:
    return Pattern.of(pattern).matches(document)


def leaf(tests: list[Any], value: Any) -> bool:
    """Whether the tests of a field `a` take `value`."""
    return matches({"a": tests}, {} if value is ABSENT else {"a": value, "other": 1})


@pytest.mark.parametrize(
    ("tests", "takes", "refuses"),
    [
        (["x", "y"], ["x", "y", ["z", "y"]], ["X", "", "xy", None, ["z"], [], {"x": "x"}, ABSENT]),
        ([5], [5, 5.0, [1, 5]], ["5", 4, True, [[]], ABSENT]),
        ([1], [1], [True, "1"]),
        ([0], [0, 0.0], [False, None, ""]),
        ([True], [True, [False, True]], [1, "true", False]),
        ([None], [None, [None]], ["null", "", 0, False, ABSENT, {}, []]),
        ([""], [""], [None, " ", ABSENT]),
        ([{"prefix": "eu-"}], ["eu-", "eu-west-1", ["us", "eu-1"]], ["EU-west", "xeu-", 5, None, ABSENT]),
        ([{"prefix": ""}], ["", "x"], [1, None, ABSENT]),
        ([{"suffix": ".png"}], [".png", "a.png"], ["a.PNG", "a.png.txt", 1]),
        ([{"equals-ignore-case": "aLiCe"}], ["alice", "ALICE"], ["alic", "alices", None]),
        ([{"equals-ignore-case": "ΟΔΟΣ"}], ["οδος", "οδοσ"], ["οδο"]),
        ([{"prefix": {"equals-ignore-case": "EventB"}}], ["EVENTBRIDGE", "eventb"], ["event", 1]),
        ([{"prefix": {"equals-ignore-case": "οδος"}}], ["ΟΔΟΣ 1", "ΟΔΟΣΑ"], ["ΟΔ"]),
        ([{"suffix": {"equals-ignore-case": ".PNG"}}], ["a.png", "b.pNg"], ["apng"]),
        ([{"anything-but": "x"}], ["y", "", 1, None, True, ["x", "y"]], ["x", ["x", "x"], [], {}, ABSENT]),
        ([{"anything-but": ["x", "y"]}], ["z", "X"], ["x", "y"]),
        ([{"anything-but": 5}], [4, "5"], [5, 5.0]),
        ([{"anything-but": [100, 200]}], [100.5, None], [100, 200]),
        ([{"anything-but": {"prefix": "init"}}], ["x init", 1, None], ["init", "initializing"]),
        ([{"anything-but": {"prefix": ["init", "error"]}}], ["x"], ["initial", "errors"]),
        ([{"anything-but": {"suffix": "1234"}}], ["12345"], ["1234", "01234"]),
        ([{"anything-but": {"suffix": [".png", ".jpg"]}}], ["a.gif"], ["a.png", "a.jpg"]),
        ([{"anything-but": {"equals-ignore-case": ["Stopped", "Over"]}}], ["running"], ["STOPPED", "over"]),
        ([{"anything-but": {"wildcard": "*/lib/*"}}], ["/usr/bin/x"], ["/usr/lib/x"]),
        ([{"anything-but": {"wildcard": ["*.jar", "a*z"]}}], ["a.class"], ["x.jar", "abcz"]),
        ([{"numeric": ["=", 300]}], [300, 3.0e2], [301, "300", True]),
        ([{"numeric": ["<", 10]}], [9.99, -5e12], [10, 11, "9", None]),
        ([{"numeric": ["<=", 10]}], [10], [10.00001]),
        ([{"numeric": [">", 0]}], [0.00001, 1.7e12], [0, True]),
        ([{"numeric": [">", 0, "<=", 5]}], [0.1, 5], [0, 5.00001, ABSENT]),
        ([{"numeric": [">=", -1.5, "<", 2]}], [-1.5, 0], [2, -1.50001]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "10.0.0", "x", 5, "10.0.0.1/32", "::1"]),
        ([{"cidr": "10.1.2.3/8"}], ["10.255.0.1"], ["11.0.0.1"]),
        ([{"cidr": "0.0.0.0/0"}], ["255.255.255.255"], ["::"]),
        ([{"cidr": "2001:db8::/32"}], ["2001:0DB8::1"], ["2001:db9::1", "fe80::1%eth0", "10.0.0.1"]),
        ([{"exists": True}], ["", None, False, 0, [1], [{}, 1]], [ABSENT, [], {}, {"b": 1}, [{}], [[]]]),
        ([{"exists": False}], [ABSENT, [], {}, {"b": 1}, [{"b": 1}]], ["", None, [None]]),
        ([{"exists": False}, "x"], [ABSENT, "x"], ["y"]),
        ([{"wildcard": "*"}], ["", "x"], [1, None]),
        ([{"wildcard": "dir/*.png"}], ["dir/.png", "dir/a/b.png"], ["dir/png", "xdir/a.png", "dir/a.png "]),
        ([{"wildcard": "*a*b*"}], ["ab", "xaxbx"], ["ba"]),
        ([{"wildcard": "a*a"}], ["aa", "aba"], ["a", "ab"]),
        ([{"wildcard": "ab*bc"}], ["abbc", "ab bc"], ["abc"]),
        ([{"wildcard": r"a\*b\\*"}], ["a*b\\", "a*b\\c"], ["axb\\", "a*b"]),
        ([{"wildcard": "plain"}], ["plain"], ["plainer", "plai"]),
        ([{"wildcard": "*ab*ab"}], ["abab", "xababab"], ["ab", "aba"]),
    ],
)
def test_operators(tests: list[Any], takes: list[Any], refuses: list[Any]) -> None:
    assert [value for value in takes if not leaf(tests, value)] == []
    assert [value for value in refuses if leaf(tests, value)] == []


@pytest.mark.parametrize(
    ("pattern", "document", "expected"),
    [
        ({"a": [1], "b": {"c": ["x"]}}, {"a": 1, "b": {"c": "x", "d": 2}}, True),
        ({"a": [1], "b": {"c": ["x"]}}, {"a": 1, "b": {"c": "y"}}, False),
        ({"a": [1], "b": {"c": ["x"]}}, {"a": 1, "b": "x"}, False),
        ({"b": {"c": [{"exists": False}]}}, {"b": "x"}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"a": 2, "b": 1}, False),
        ({"c": [3], "$or": [{"a": [1]}, {"b": [2], "d": {"e": [4]}}]}, {"b": 2, "c": 3, "d": {"e": 4}}, True),
        ({"c": [3], "$or": [{"a": [1]}, {"b": [2], "d": {"e": [4]}}]}, {"b": 2, "c": 3}, False),
        ({"d": {"$or": [{"a": [1]}, {"b": [2]}], "c": [3]}}, {"d": {"b": 2, "c": 3}}, True),
        ({"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}, {"c": 3}, True),
        ({"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"a": [1]}, {"b": [1]}]}}, {"b": 1, "d": {"a": 1}}, True),
        # A list stands for its elements, lists in lists too.
        ({"p": {"first": ["Anna"]}}, {"p": [{"first": "John"}, {"first": "Anna"}]}, True),
        ({"p": {"first": ["Anna"]}}, {"p": [[{"first": "John"}], [{"first": "Anna"}]]}, True),
        ({"p": ["x"]}, {"p": [[["x"]]]}, True),
        # All fields below a list are met by one element.
        ({"p": {"f": ["Anna"], "l": ["Smith"]}}, {"p": [{"f": "Anna", "l": "Smith"}, {"f": "Jo", "l": "Doe"}]}, True),
        ({"p": {"f": ["Anna"], "l": ["Doe"]}}, {"p": [{"f": "Anna", "l": "Smith"}, {"f": "Jo", "l": "Doe"}]}, False),
        (
            {"p": {"f": ["Anna"]}, "$or": [{"p": {"l": ["Doe"]}}, {"x": [1]}]},
            {"p": [{"f": "Anna", "l": "Smith"}, {"f": "Jo", "l": "Doe"}]},
            False,
        ),
        ({"p": {"f": ["a"]}, "q": {"f": ["b"]}}, {"p": [{"f": "x"}, {"f": "a"}], "q": [{"f": "b"}, {"f": "y"}]}, True),
        # Absent means absent from every element, or from the one that meets the rest.
        ({"p": {"l": [{"exists": False}]}}, {"p": [{"f": 1}, {"l": 2}]}, False),
        ({"p": {"f": [1], "l": [{"exists": False}]}}, {"p": [{"f": 1}, {"l": 2}]}, True),
        ({"p": {"f": [1], "l": [{"exists": False}]}}, {"p": [{"f": 1, "l": 2}, {"f": 2}]}, False),
        # A field may be a leaf in one place and an object in another.
        ({"p": ["x"], "$or": [{"p": {"f": [1]}}, {"q": [1]}]}, {"p": ["x", {"f": 1}]}, True),
        ({"p": ["x"], "$or": [{"p": {"f": [1]}}, {"q": [1]}]}, {"p": ["y", {"f": 1}]}, False),
        ({"p": ["x"], "$or": [{"p": {"f": [{"exists": False}]}}, {"q": [1]}]}, {"p": ["x", {"g": 1}]}, True),
        ({"p": ["x", {"exists": False}], "$or": [{"p": {"f": [1]}}, {"q": [1]}]}, {"p": ["y", {"f": 1}]}, False),
        ({"p": ["x", {"exists": False}], "$or": [{"p": {"f": [1]}}, {"q": [1]}]}, {"p": [{"f": 1}]}, True),
        # A dot is a dot.
        ({"a.b": [1]}, {"a.b": 1}, True),
        ({"a.b": [1]}, {"a": {"b": 1}}, False),
    ],
)
def test_structure(pattern: Any, document: Any, expected: bool) -> None:
    assert matches(pattern, document) is expected


@pytest.mark.parametrize("case", RULER)
def test_agrees_with_event_ruler(case: Any) -> None:
    assert matches(case["pattern"], case["document"]) is case["matches"]


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        ({}, ()),
        ({"a": {}}, ("a",)),
        ({"a": []}, ("a",)),
        ({"a": "x"}, ("a",)),
        ({"a": None}, ("a",)),
        ({"a": [["x"]]}, ("a", 0)),
        ({"a": ["x", {}]}, ("a", 1)),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, ("a", 0)),
        ({"a": [{"matches": "x"}]}, ("a", 0, "matches")),
        ({"a": {"b": [{"prefix": 1}]}}, ("a", "b", 0, "prefix")),
        ({"a": [{"prefix": ["x"]}]}, ("a", 0, "prefix")),
        ({"a": [{"prefix": {"suffix": "x"}}]}, ("a", 0, "prefix")),
        ({"a": [{"suffix": {"equals-ignore-case": 1}}]}, ("a", 0, "suffix")),
        ({"a": [{"equals-ignore-case": ["x"]}]}, ("a", 0, "equals-ignore-case")),
        ({"a": [{"anything-but": []}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": ["x", 1]}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": None}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": [True]}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": {"prefix": ""}}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": {"prefix": []}}]}, ("a", 0, "anything-but")),
        ({"a": [{"anything-but": {"wildcard": "**"}}]}, ("a", 0, "anything-but")),
        ({"a": [{"numeric": 5}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": []}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [">"]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [">", "5"]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [">", True]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": ["!=", 5]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [[], 5]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": ["<", 5, ">", 0]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [">", 5, "<", 5]}]}, ("a", 0, "numeric")),
        ({"a": [{"numeric": [">", 0, "<", 5, "<", 6]}]}, ("a", 0, "numeric")),
        ({"a": [{"cidr": "10.0.0.0"}]}, ("a", 0, "cidr")),
        ({"a": [{"cidr": "10.0.0.0/33"}]}, ("a", 0, "cidr")),
        ({"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}, ("a", 0, "cidr")),
        ({"a": [{"cidr": "fe80::1%eth0/64"}]}, ("a", 0, "cidr")),
        ({"a": [{"cidr": "host/8"}]}, ("a", 0, "cidr")),
        ({"a": [{"cidr": 10}]}, ("a", 0, "cidr")),
        ({"a": [{"exists": "true"}]}, ("a", 0, "exists")),
        ({"a": [{"wildcard": "a**"}]}, ("a", 0, "wildcard")),
        ({"a": [{"wildcard": "a\\b"}]}, ("a", 0, "wildcard")),
        ({"a": [{"wildcard": "a\\"}]}, ("a", 0, "wildcard")),
        ({"$or": {"a": [1]}}, ("$or",)),
        ({"$or": [{"a": [1]}]}, ("$or",)),
        ({"$or": [{"a": [1]}, ["x"]]}, ("$or", 1)),
        ({"$or": [{"a": [1]}, {}]}, ("$or", 1)),
        ({"$or": [{"a": [1]}, {"numeric": ["=", 1]}]}, ("$or", 1, "numeric")),
        ({"b": {"$or": [{"a": [1]}, {"c": {"d": 5}}]}}, ("b", "$or", 1, "c", "d")),
        ({"a": [1], "$or": [{"a": [2]}, {"b": [2]}]}, ("$or",)),
        ({f"o{n}": {"$or": [{"a": [1]}, {"b": [1]}]} for n in range(6)}, ("o5",)),
        ({"a": ["x" * MAX_BYTES]}, ()),
        ({"a": [float("inf")]}, ()),
    ],
)
def test_a_flaw_has_its_place(pattern: Any, where: tuple[str | int, ...]) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern.of(pattern)
    assert [flaw.where for flaw in refused.value.flaws] == [where]


def test_every_flaw_is_named_up_to_a_number() -> None:
    with pytest.raises(PatternError) as refused:
        Pattern.of({"a": 1, "b": [{"prefix": 1}], "c": {}, "d": ["fine"]})
    assert [flaw.where for flaw in refused.value.flaws] == [("a",), ("b", 0, "prefix"), ("c",)]
    assert "b.0.prefix" in str(refused.value)
    with pytest.raises(PatternError) as refused:
        Pattern.of({f"f{n}": n for n in range(100)})
    assert len(refused.value.flaws) == MAX_FLAWS


def test_only_known_fields() -> None:
    Pattern.of({"$or": [{"data": [1]}, {"event": ["x"]}]}, ("event", "data"))
    with pytest.raises(PatternError) as refused:
        Pattern.of({"detail": {"x": [1]}, "$or": [{"data": {"any": [1]}}, {"source": ["x"]}]}, ("event", "data"))
    assert [flaw.where for flaw in refused.value.flaws] == [("detail",), ("$or", 1, "source")]


def test_as_many_alternatives_as_allowed() -> None:
    pattern = {"$or": [{"a": [number]} for number in range(MAX_ALTERNATIVES)]}
    assert matches(pattern, {"a": MAX_ALTERNATIVES - 1})
    assert not matches(pattern, {"a": MAX_ALTERNATIVES})


# --- Laws -------------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("abAB*.", max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)
TEXTS = st.text("abAB.", max_size=3)
# What may stand in `anything-but`, with the plain test of which that is the complement.
REFUSED = st.one_of(
    TEXTS.map(lambda text: (text, [text])),
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: (texts, texts)),
    st.integers(-3, 3).map(lambda number: (number, [number])),
    TEXTS.filter(bool).map(lambda text: ({"prefix": text}, [{"prefix": text}])),
    TEXTS.filter(bool).map(lambda text: ({"suffix": [text]}, [{"suffix": text}])),
    TEXTS.map(lambda text: ({"equals-ignore-case": text}, [{"equals-ignore-case": text}])),
    TEXTS.map(lambda text: ({"wildcard": f"{text}*"}, [{"wildcard": f"{text}*"}])),
)
TESTS = st.one_of(
    SCALARS,
    REFUSED.map(lambda pair: {"anything-but": pair[0]}),
    REFUSED.map(lambda pair: pair[1][0]),
    st.integers(-3, 3).map(lambda number: {"numeric": [">=", number]}),
    st.booleans().map(lambda there: {"exists": there}),
)
FIELDS = st.dictionaries(NAMES, st.lists(TESTS, min_size=1, max_size=2), min_size=1, max_size=2)
PATTERNS = FIELDS | st.dictionaries(NAMES, FIELDS, min_size=1, max_size=2)


@given(refused=REFUSED, value=SCALARS)
def test_anything_but_is_the_complement(refused: Any, value: Any) -> None:
    operand, tests = refused
    assert leaf([{"anything-but": operand}], value) is not leaf(tests, value)


@given(one=PATTERNS, other=PATTERNS, document=DOCUMENTS)
def test_or_is_the_union(one: Any, other: Any, document: Any) -> None:
    assert matches({"$or": [one, other]}, document) is (matches(one, document) or matches(other, document))


@given(tests=st.lists(TESTS, min_size=1, max_size=3), value=SCALARS | st.just(ABSENT))
def test_a_list_of_tests_is_the_union(tests: list[Any], value: Any) -> None:
    assert leaf(tests, value) is any(leaf([test], value) for test in tests)


@given(pattern=PATTERNS, document=DOCUMENTS, more=VALUES)
def test_what_a_pattern_does_not_name_does_not_matter(pattern: Any, document: Any, more: Any) -> None:
    assert matches(pattern, document) is matches(pattern, {**document, "unnamed": more})


@given(pattern=PATTERNS, document=DOCUMENTS, name=NAMES)
def test_a_list_of_one_is_its_element(pattern: Any, document: Any, name: str) -> None:
    if name in document:
        assert matches(pattern, {**document, name: [document[name]]}) is matches(pattern, document)


@given(tests=st.lists(TESTS.filter(lambda test: test != {"exists": False}), min_size=1), values=st.lists(SCALARS))
def test_a_list_matches_when_an_element_does(tests: list[Any], values: list[Any]) -> None:
    assert leaf(tests, values) is any(leaf(tests, value) for value in values)


@given(pattern=st.text("ab*", max_size=8).filter(lambda text: "**" not in text), value=st.text("ab", max_size=12))
def test_wildcards_are_those_of_a_shell(pattern: str, value: str) -> None:
    from fnmatch import fnmatchcase

    assert leaf([{"wildcard": pattern}], value) is fnmatchcase(value, pattern)


# --- Bounds -----------------------------------------------------------------------------------------------------------

LONG = {"data": {"s": "a" * 200_000, "n": [7] * 60_000, "t": ["aaaaaaaa"] * 15_000, "o": [{"x": 1}] * 20_000}}


@pytest.mark.parametrize(
    "tests",
    [
        [{"wildcard": "*" + "a*" * 2000 + "c"}],
        [{"wildcard": "*" + ("a" * 60 + "b*") * 60}],
        [{"wildcard": "*" + "a" * 2000 + "c" + "a" * 1900 + "*"}],
        [{"wildcard": "*" + "a" * number + "c*"} for number in range(1, 70)],
        [{"equals-ignore-case": "A" * 3}] * 100,
    ],
)
def test_no_text_makes_a_pattern_slow(tests: list[Any]) -> None:
    pattern = Pattern.of({"data": {"s": tests}})
    started = time.process_time()
    assert pattern.matches(LONG) is False
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "pattern",
    [
        {"data": {"n": [{"numeric": ["=", 2]}] * 170}},
        {"$or": [{"data": {"n": [{"numeric": ["=", number]}]}} for number in range(10, 42)]},
        {"data": {"t": [{"anything-but": {"prefix": "a"}}] * 110}},
        {"data": {"t": [{"anything-but": {"prefix": [*(f"b{n}" for n in range(400)), "a"]}}]}},
        {"$or": [{"data": {"o": {"x": [{"numeric": ["=", number]}]}}} for number in range(10, 42)]},
    ],
)
def test_a_match_that_would_take_too_long_is_aborted(pattern: Any) -> None:
    read = Pattern.of(pattern)
    started = time.process_time()
    with pytest.raises(Exhausted):
        read.matches(LONG)
    assert time.process_time() - started < 2


def test_an_ordinary_filter_is_far_from_the_limit() -> None:
    from jobsprint.domain.event_patterns import Effort

    pattern = Pattern.of({"data": {"o": {"x": [{"numeric": [">", 5]}, {"exists": False}], "y": ["z"]}}})
    assert pattern.matches(LONG, Effort(EFFORT // 2)) is False
