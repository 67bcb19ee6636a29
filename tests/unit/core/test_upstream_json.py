"""JSON as other systems write it, read so that it can be kept, logged and handed on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.upstream_json import object_in

TEXTS = st.text(st.characters(categories=None, codec=None), max_size=8)  # halves of surrogate pairs too
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_read_can_be_written(value: dict[str, object]) -> None:
    found = object_in(json.dumps(value).encode())
    assert found is not None
    assert len(found) <= len(value)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


def test_halves_of_pairs_are_replaced_and_whole_ones_stay() -> None:
    assert object_in(b'{"half": "\\ud800", "whole": "\\ud83c\\udf89"}') == {"half": "?", "whole": "🎉"}


@pytest.mark.parametrize("body", [b"", b"text", b"[1]", b"5", b"{", b"[" * 5000, b'{"a":' * 500 + b"1" + b"}" * 500])
def test_anything_else_is_none(body: bytes) -> None:
    assert object_in(body) is None


def test_a_byte_order_mark_and_wrong_bytes_do_no_harm() -> None:
    assert object_in(b'\xef\xbb\xbf{"a": "\xff"}') == {"a": "\ufffd"}
