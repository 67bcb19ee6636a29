"""The Retry-After header, in seconds or as a date."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.retry_after import MAX_RETRY_AFTER_SECONDS, retry_after_seconds

NOW = 1_736_164_800_000  # 2025-01-06T12:00:00Z


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("Mon, 06 Jan 2025 12:01:00 GMT", 60),
        ("Monday, 06-Jan-25 12:01:00 GMT", 60),
        ("Mon Jan  6 12:01:00 2025", 60),
        ("Mon, 06 Jan 2025 11:59:00 GMT", 0),
        ("Mon, 06 Jan 2025 18:00:00 GMT", 3600),
        ("Mon, 99 Jan 2025 12:00:00 GMT", None),
        ("Mon, 06 Jan 0000 12:00:00 GMT", 0),
    ],
)
def test_retry_after(value: str | None, seconds: int | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


@given(st.integers(-100_000, 100_000))
def test_retry_after_as_a_date_says_the_same_as_in_seconds(seconds: int) -> None:
    date = format_datetime(datetime.fromtimestamp(NOW // 1000 + seconds, UTC), usegmt=True)
    assert retry_after_seconds(date, NOW) == retry_after_seconds(str(max(seconds, 0)), NOW)


@given(st.text(max_size=40))
def test_no_header_breaks_the_parser(value: str) -> None:
    found = retry_after_seconds(value, NOW)
    assert found is None or 0 <= found <= MAX_RETRY_AFTER_SECONDS
