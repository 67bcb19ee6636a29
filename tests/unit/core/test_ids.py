"""Ids: their form, their order, and invalid ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.ids import derived_id, first_at, ids_from, is_id, new_id, new_ids, unique_part

_PREFIXES = ("int", "wh", "log", "evt", "dlv", "exe", "job", "tok")
_MS = st.integers(min_value=0, max_value=(1 << 48) - 1)


@given(prefix=st.sampled_from(_PREFIXES), ms=_MS)
def test_a_new_id_is_an_id_of_its_kind_only(prefix: str, ms: int) -> None:
    made = new_id(prefix, ms)

    assert is_id(made, prefix)
    assert not is_id(made, *(other for other in _PREFIXES if other != prefix))


@given(earlier=_MS, later=_MS)
def test_ids_sort_by_time(earlier: int, later: int) -> None:
    if earlier < later:
        assert new_id("log", earlier) < new_id("log", later)
        assert unique_part(new_id("log", earlier)) < first_at(later) <= unique_part(new_id("log", later))


def test_two_ids_of_one_moment_differ() -> None:
    assert len({new_id("int", 1) for _ in range(1000)}) == 1000


@given(ms=_MS, count=st.integers(1, 100))
def test_ids_that_follow_an_id_are_those_that_were_made_with_it(ms: int, count: int) -> None:
    made = new_ids("evt", ms, count)

    assert ids_from(made[0], count) == made == sorted(made)
    assert ids_from(made[-1], 3)[0] == made[-1]


@given(parts=st.lists(st.text(), min_size=1, max_size=3))
def test_a_derived_id_is_always_the_same(parts: list[str]) -> None:
    origin = new_id("evt", 1_735_689_600_000)

    derived = derived_id("dlv", origin, *parts)

    assert derived == derived_id("dlv", origin, *parts)
    assert is_id(derived, "dlv")
    assert unique_part(derived)[:10] == unique_part(origin)[:10]
    assert derived != derived_id("dlv", origin, *parts, "more")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int",
        "int_",
        "_",
        "int_" + "0" * 25,
        "int_" + "0" * 27,
        "int_" + "u" * 26,
        "int_" + "A" * 26,
        "INT_" + "0" * 26,
        "xyz_" + "0" * 26,
        "int_" + "0" * 26 + "\n",
        "int_" + "\uff10" * 26,
    ],
)
def test_invalid_ids(text: str) -> None:
    assert not is_id(text, "int")


@pytest.mark.parametrize("ms", [-1, 1 << 48, 1 << 60])
def test_times_out_of_range_are_clamped(ms: int) -> None:
    assert first_at(ms) == first_at(0 if ms < 0 else (1 << 48) - 1)
