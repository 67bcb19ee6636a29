"""Capabilities packed and unpacked, and cut to what one integration holds."""

import json
import random
from dataclasses import replace

from jobsprint.domain.capabilities import MAX_PACKED, MAX_STATE, fitting, fitting_state, pack, unpack
from jobsprint.domain.integrations import Capability

NOISE = random.Random(1)


def noisy(count: int) -> tuple[Capability, ...]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return tuple(
        Capability(f"t{number}", "".join(NOISE.choices(letters, k=400)), {"type": "object"}) for number in range(count)
    )


def test_what_is_packed_comes_back() -> None:
    one = Capability("send", "Grüße 🎉", {"type": "object", "properties": {"n": {"type": "integer"}}})
    whole = replace(
        one, title="Send", output_schema={"type": "object"}, effect="write", idempotent=True, closed_world=True
    )
    assert unpack(pack((one, whole, Capability("bare")))) == (one, whole, Capability("bare"))
    assert unpack(pack(())) == ()


def test_what_fits_is_kept_whole_and_what_does_not_is_cut_from_the_end() -> None:
    few = noisy(50)
    assert fitting(few) == few
    many = noisy(2000)
    kept = fitting(many)
    assert kept == many[: len(kept)]
    assert MAX_PACKED * 0.9 < len(pack(kept)) <= MAX_PACKED
    assert fitting((Capability("x", "".join(NOISE.choices("abcdefgh0123", k=300_000))),)) == ()


def test_schemas_of_results_make_room_before_capabilities_do() -> None:
    output = {"type": "object", "description": "".join(NOISE.choices("abcdefgh0123", k=2000))}
    with_output = tuple(replace(one, output_schema=output | {"title": one.name * 50}) for one in noisy(20))
    assert fitting(with_output) == with_output
    bare = noisy(150)
    too_large = tuple(
        replace(one, output_schema={"type": "object", "title": "".join(NOISE.choices("abcdefgh0123", k=400))})
        for one in bare
    )
    assert fitting(too_large) == bare


def test_connector_state_is_cut_from_the_end_too() -> None:
    few = {f"a{number}": {"path": "p"} for number in range(100)}
    assert fitting_state(few) == few
    many = {f"a{number}": {"path": "é" * 500} for number in range(1000)}
    kept = fitting_state(many)
    assert list(kept) == list(many)[: len(kept)]
    assert MAX_STATE * 0.9 < len(json.dumps(kept)) <= MAX_STATE
