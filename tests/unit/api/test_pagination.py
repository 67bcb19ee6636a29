"""Cursors: they come back whole, and any change to one is refused."""

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobsprint.api import pagination
from jobsprint.core import config
from jobsprint.core.errors import BadRequest
from tests.support.template import environment

_QUERY = {"of": "integrations", "type": None, "status": "connected"}
_POSITION = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@pytest.fixture(scope="module", autouse=True)
def _cursor_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment({"CursorSecret": "a key of the tests"}).items():
            patch.setenv(name, value)
        config.settings.cache_clear()
        yield
        config.settings.cache_clear()


def _cursor(position: str) -> str:
    made = pagination.encode("acme", _QUERY, position)
    assert made is not None
    return made


def _refused(cursor: str, tenant: str = "acme", query: dict[str, str | None] = _QUERY) -> bool:
    try:
        pagination.decode(tenant, query, cursor)
    except BadRequest as error:
        return error.code == "invalid_cursor"
    return False


@given(_POSITION)
def test_a_cursor_comes_back_whole(position: str) -> None:
    cursor = _cursor(position)

    assert cursor.startswith("cursor_")
    assert pagination.decode("acme", _QUERY, cursor) == position


def test_no_position_is_no_cursor() -> None:
    assert pagination.encode("acme", _QUERY, None) is None
    assert pagination.decode("acme", _QUERY, None) is None


@given(position=_POSITION, data=st.data())
def test_any_changed_character_is_refused(position: str, data: st.DataObject) -> None:
    cursor = _cursor(position)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters())
    changed = cursor[:place] + other + cursor[place + 1 :]
    assume(changed != cursor)

    assert _refused(changed)


@given(position=_POSITION, data=st.data())
def test_a_longer_or_shorter_cursor_is_refused(position: str, data: st.DataObject) -> None:
    cursor = _cursor(position)
    place = data.draw(st.integers(0, len(cursor) - 1))

    assert _refused(cursor[:place])
    assert _refused(cursor[:place] + data.draw(st.characters()) + cursor[place:])


@given(st.text(max_size=80))
def test_what_was_never_a_cursor_is_refused(text: str) -> None:
    assert _refused(text)
    assert _refused(f"cursor_{text}")


@pytest.mark.parametrize(
    ("tenant", "query"),
    [
        ("other", _QUERY),
        ("acme", {**_QUERY, "of": "webhooks"}),
        ("acme", {**_QUERY, "status": None}),
        ("acme", {**_QUERY, "type": "custom"}),
        ("acme", {**_QUERY, "more": "x"}),
        ("acme", {"of": "integrations", "type": "connected", "status": None}),
    ],
)
def test_a_cursor_belongs_to_its_tenant_and_query(tenant: str, query: dict[str, str | None]) -> None:
    assert _refused(_cursor("01k"), tenant, query)


def test_an_overlong_cursor_is_refused() -> None:
    assert _refused(_cursor("x" * 2000))
