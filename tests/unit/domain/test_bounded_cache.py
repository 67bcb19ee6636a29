"""The cache that never holds more than it may."""

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.cache import BoundedCache


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_it_holds_the_last_and_never_more_than_it_may(keys: list[int], most: int) -> None:
    cache: BoundedCache[int, int] = BoundedCache(most)
    for place, key in enumerate(keys):
        cache[key] = place
        assert cache[key] == place
        assert len(cache) <= most


def test_what_is_there_already_is_replaced_without_forgetting_the_others() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache["a"], cache["b"] = 1, 2
    cache["a"] = 3
    assert cache == {"a": 3, "b": 2}
    cache["c"] = 4
    assert cache == {"c": 4}
