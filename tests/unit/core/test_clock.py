"""Times: ISO 8601 in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.clock import iso_millis, iso_seconds, now_ms, parse_iso, parse_until

_NOON = 1_736_164_800_000


def test_both_formats() -> None:
    assert iso_seconds(_NOON + 999) == "2025-01-06T12:00:00Z"
    assert iso_millis(_NOON + 7) == "2025-01-06T12:00:00.007Z"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-06T12:00:00Z", _NOON),
        ("2025-01-06T12:00:00", _NOON),
        ("2025-01-06T13:00:00+01:00", _NOON),
        ("2025-01-06T12:00:00.123Z", _NOON + 123),
        ("2025-01-06 12:00:00Z", _NOON),
        ("20250106T120000Z", _NOON),
        ("2025-01-06", _NOON - 43_200_000),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
    ],
)
def test_valid_times(text: str, ms: int) -> None:
    assert parse_iso(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1736164800",
        "2025-13-01",
        "2025-02-30",
        "2025-01-06T25:00:00Z",
        "2025-01-06T12:00:00ZZ",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\uff12\uff10\uff12\uff15-01-06",
    ],
)
def test_invalid_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_iso(text)


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_a_time_written_is_read_again(ms: int) -> None:
    assert parse_iso(iso_millis(ms)) == ms
    assert parse_iso(iso_seconds(ms)) == ms // 1000 * 1000


def test_now_is_in_milliseconds() -> None:
    assert 1_700_000_000_000 < now_ms() < 10_000_000_000_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-06", _NOON + 43_200_000 - 1),
        ("20250106", _NOON + 43_200_000 - 1),
        ("2025-01-06T00:00:00Z", _NOON - 43_200_000 + 999),
        ("2025-01-06T12:00:00.123Z", _NOON + 123),
        ("2025-01-06T12:00:00.000Z", _NOON),
        ("2025-01-06T12:00:00,0+00:00", _NOON),
    ],
)
def test_the_end_of_a_range_includes_all_of_what_it_names(text: str, ms: int) -> None:
    assert parse_until(text) == ms
