"""JSON as JavaScript writes it: tables taken from the specification, and properties."""

import json
import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.canonical_json import (
    MAX_DEPTH,
    MAX_FLAWS,
    CanonicalError,
    Flaw,
    JsonValue,
    UnreadableJson,
    UnrepresentableJson,
    dumps,
    parse,
)

strings = st.text(st.characters(exclude_categories=["Cs"]))
keys = strings | st.integers(0, 2**33).map(str)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | strings,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)


def flaws_of(text: str | bytes) -> tuple[Flaw, ...]:
    with pytest.raises(UnrepresentableJson) as caught:
        parse(text)
    return caught.value.flaws


# --- numbers ---


@pytest.mark.parametrize(
    ("token", "printed"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("0e99999999999999999999", "0"),
        ("1.10", "1.1"),
        ("1.0", "1"),
        ("-100.00", "-100"),
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.5e-1", "1.25"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("1.5e21", "1.5e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("1.2345678901234568e20", "123456789012345680000"),
        ("12345678901234567000", "12345678901234567000"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740994", "9007199254740994"),
        ("0.000001", "0.000001"),
        ("1e-6", "0.000001"),
        ("0.0000012", "0.0000012"),
        ("1e-7", "1e-7"),
        ("-1.25e-9", "-1.25e-9"),
        ("0.00001", "0.00001"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e" + "0" * 5000 + "5", "100000"),
        ("0." + "0" * 5000 + "1e5001", "1"),
    ],
)
def test_a_number_that_javascript_keeps_is_printed_its_way(token: str, printed: str) -> None:
    assert dumps(parse(token)) == printed
    assert dumps(parse(f'{{"n":[{token}]}}')) == f'{{"n":[{printed}]}}'


@pytest.mark.parametrize(
    "token",
    [
        "12345678901234567890",
        "9007199254740993",
        "-9007199254740993",
        "12345678901234567168",  # exactly the double, but JavaScript prints …7000
        "0.1000000000000000055511151231257827",
        "1.00000000000000001",
        "1e400",
        "-1e400",
        "1e-400",
        "1e" + "9" * 5000,
        "1e-" + "9" * 5000,
        "9" * 5000,
        "4e-324",
    ],
)
def test_a_number_that_javascript_would_change_is_refused_at_its_path(token: str) -> None:
    (flaw,) = flaws_of(f'{{"data":{{"a":[0,1,2,{{"b":{token}}}]}}}}')
    assert flaw.path == "data.a[3].b"
    assert "number" in flaw.reason


@given(st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]))
def test_every_finite_double_survives_its_own_text(number: float) -> None:
    if math.isfinite(number):
        assert parse(dumps(number)) == number


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_what_is_accepted_has_the_same_decimal_value_in_print(token: str) -> None:
    try:
        printed = dumps(parse(token))
    except UnrepresentableJson:
        assert Decimal(token) != Decimal(repr(float(token)))
    else:
        assert Decimal(printed) == Decimal(token)


def test_whole_numbers_are_read_as_integers_however_written() -> None:
    assert [type(parse(token)) for token in ("1", "1.0", "1e3", "-0.0", "1.5")] == [int, int, int, int, float]


# --- strings and keys ---


def test_strings_are_escaped_as_json_stringify_does() -> None:
    controls = "".join(map(chr, range(0x20)))
    assert dumps(controls) == (
        r'"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f'
        r'\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"'
    )
    literal = "/\x7f\x80\u2028\u2029\ufeff\U0001f600é"
    assert dumps([literal, '"\\']) == f'["{literal}","\\"\\\\"]'
    assert dumps(parse(r'"\u00e9\/\ud83d\ude00\u2028\u007F"')) == '"é/\U0001f600\u2028\x7f"'


def test_array_index_keys_come_first_ascending_at_every_depth() -> None:
    text = (
        '{"b":1,"10":2,"2":{"z":0,"1":0,"0":0},"01":3,"-1":4,"4294967295":5,"4294967294":6,"__proto__":7,"0":8,"1.0":9}'
    )
    assert dumps(parse(text)) == (
        '{"0":8,"2":{"0":0,"1":0,"z":0},"10":2,"4294967294":6,"b":1,"01":3,"-1":4,"4294967295":5,"__proto__":7,"1.0":9}'
    )
    assert dumps(parse('[[{"a":1,"1":2}]]')) == '[[{"1":2,"a":1}]]'


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r'"\ud800"', ""),
        (r'{"a":["x\uDFFFy"]}', "a[0]"),
        (r'{"a":"\ude00\ud83d"}', "a"),
        (r'{"a":{"\ud800":1}}', r'a["\ud800"]'),
        ('{"a":"\ud800"}', "a"),
    ],
)
def test_lone_surrogates_are_refused(text: str, path: str) -> None:
    (flaw,) = flaws_of(text)
    assert flaw.path == path
    assert "surrogate" in flaw.reason


def test_text_that_only_looks_like_a_surrogate_escape_is_kept() -> None:
    assert parse(r'"\\ud800"') == r"\ud800"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a":1,"a":1}', "a"),
        (r'{"data":[{"a":1,"\u0061":{}}]}', "data[0].a"),
        ('{"x y":{"":1,"":2}}', '["x y"][""]'),
    ],
)
def test_a_key_twice_in_one_object_is_refused(text: str, path: str) -> None:
    (flaw,) = flaws_of(text)
    assert flaw.path == path


def test_every_flaw_is_named_in_document_order() -> None:
    error = UnrepresentableJson(flaws_of(r'{"a":1e999,"b":{"c":1,"c":[1e999]},"d":"\ud800"}'))
    assert [flaw.path for flaw in error.flaws] == ["a", "b.c", "b.c[0]", "d"]
    assert (error.path, error.reason) == ("a", error.flaws[0].reason)
    assert str(error).startswith("a: is a number")


def test_the_report_is_bounded_and_safe_to_print() -> None:
    assert len(flaws_of("[" + ",".join(["1e999"] * 500) + "]")) == MAX_FLAWS
    (flaw,) = flaws_of(json.dumps({"k\n\u2028" * 1000: {}})[:-3] + "1e999}")
    assert len(flaw.path) < 250
    assert flaw.path.isprintable()
    assert flaw.path.isascii() or flaw.path.endswith("…")


# --- reading ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        '{"a":1,}',
        "[1,]",
        "01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "1 2",
        "'a'",
        '"a\x00b"',
        '"\t"',
        r'"\x41"',
        r'"\u12g4"',
        "{a:1}",
        '{"a"}',
        "\ufeff1",
        "\u00a01",
        "\u0661",
        "nul",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf1",
        '{"a":1e999',
    ],
)
def test_invalid_json_is_unreadable(text: str | bytes) -> None:
    with pytest.raises(UnreadableJson) as caught:
        parse(text)
    assert isinstance(caught.value, CanonicalError)
    assert str(caught.value).endswith(".")


def test_the_error_names_where_reading_stopped() -> None:
    with pytest.raises(UnreadableJson, match=r"line 2, column 6\.$"):
        parse('{\n"a": ?}')


def test_bytes_are_read_as_utf8() -> None:
    assert parse('{"é":"\U0001f600"}'.encode()) == {"é": "\U0001f600"}


# --- depth ---


def nested(depth: int) -> str:
    return '{"a":[' * (depth // 2) + "[" * (depth % 2) + "]" * (depth % 2) + "]}" * (depth // 2)


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH - 1, MAX_DEPTH])
def test_nesting_up_to_the_limit_is_kept(depth: int) -> None:
    assert dumps(parse(nested(depth))) == nested(depth)


def test_the_slow_writer_keeps_nesting_up_to_the_limit() -> None:
    text = f'{{"1":{nested(MAX_DEPTH - 1)}}}'  # a key of digits asks for it
    assert dumps(parse(text)) == text


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 900, 5_000, 200_000])
def test_nesting_over_the_limit_is_refused_without_a_recursion_error(depth: int) -> None:
    assert "deeper" in flaws_of("[" * depth + "]" * depth)[0].reason
    assert "deeper" in flaws_of('{"a":' * depth + "1" + "}" * depth)[0].reason


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 200_000])
def test_a_deep_value_is_not_written(depth: int) -> None:
    value: JsonValue = []
    for _ in range(depth - 1):
        value = [value]
    with pytest.raises(UnrepresentableJson, match="deeper"):
        dumps(value)
    while isinstance(value, list) and value:  # take it apart by hand, as freeing it recurses
        value = value[0]


def test_many_brackets_are_not_depth() -> None:
    value: JsonValue = [{"text": "[{" * MAX_DEPTH, "list": []} for _ in range(MAX_DEPTH * 2)]
    assert parse(dumps(value)) == value


# --- writing ---


@pytest.mark.parametrize(
    "number",
    [math.nan, math.inf, -math.inf, 2**53 + 1, -(2**53) - 1, 12345678901234567890, 10**400, 10**5000],
    ids=lambda number: f"{number:.9e}" if abs(number) < 1e300 else "huge",
)
def test_a_value_javascript_cannot_hold_is_not_written(number: float) -> None:
    with pytest.raises(UnrepresentableJson) as caught:
        dumps({"data": [number]})
    assert caught.value.path == "data[0]"
    with pytest.raises(UnrepresentableJson):
        dumps(number)


def test_large_integers_a_double_holds_are_written_as_javascript_does() -> None:
    assert dumps([2**53, 2**53 + 2, 10**20, 10**21, 123 * 10**25]) == (
        "[9007199254740992,9007199254740994,100000000000000000000,1e+21,1.23e+27]"
    )


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udfff"}, {"\ud800": 1}, {"1": ["\ud83d"]}])
def test_lone_surrogates_are_not_written(value: JsonValue) -> None:
    with pytest.raises(UnrepresentableJson):
        dumps(value)


def test_a_value_of_another_type_is_a_programming_error() -> None:
    for value in (Decimal(1), [Decimal(1)], {"1": Decimal(1)}):
        with pytest.raises(TypeError):
            dumps(value)  # type: ignore[arg-type]


@given(values)
def test_what_is_written_reads_back_as_the_same_value(value: JsonValue) -> None:
    assert parse(dumps(value)) == value
    assert parse(dumps(value).encode()) == value


@given(values)
def test_the_text_is_a_fixed_point_with_and_without_white_space(value: JsonValue) -> None:
    text = dumps(value)
    assert dumps(parse(text)) == text
    assert dumps(parse(json.dumps(value, indent=2))) == text
    assert json.loads(text, parse_int=float) == value  # as JavaScript reads it: every number is a double


@given(values)
def test_both_writers_agree(value: JsonValue) -> None:
    # A key of digits sends the whole value to the slow writer.
    assert dumps({"0": value}) == f'{{"0":{dumps(value)}}}'


@given(st.text() | st.binary())
def test_any_input_is_read_or_refused_as_documented(text: str | bytes) -> None:
    try:
        value = parse(text)
    except CanonicalError:
        return
    assert parse(dumps(value)) == value


def test_a_value_that_holds_itself_is_not_written() -> None:
    value: list[JsonValue] = []
    value.append(value)
    with pytest.raises(UnrepresentableJson, match="deeper"):
        dumps(value)
