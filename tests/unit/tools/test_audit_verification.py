"""Verification of a chain: whatever single thing is done to sealed entries or signed heads is reported."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.ids import new_id
from jobsprint.domain.audit import Intent, Outcome, Phase, partition
from jobsprint.domain.audit_chain import GENESIS, Head, extend, link_hash
from tools.local.audit_verification import RUNNING_MS, Found, Report, Stored, verify

START = 1_790_000_000_000
DAY_MS = 86_400_000
KEPT_MS = 400 * DAY_MS
NOW = START + DAY_MS


@dataclass
class Trail:
    """A chain of whole entries, sealed `counts` records at a time, an hour apart."""

    stored: list[Stored]
    heads: list[Head]

    def found(self) -> Found:
        end = self.heads[-1].sequence
        return Found("acme", self.stored, self.heads, signed=end, sealed=end)


def records(number: int) -> list[tuple[str, Phase, str]]:
    """Id, phase and text of so many records: intents, each with its outcome behind it."""
    made: list[tuple[str, Phase, str]] = []
    for step in range(-(-number // 2)):
        at = START + step
        intent = Intent("acme", new_id("aud", at), at, "webhook.create", "tok_1", arguments={"step": step})
        outcome = Outcome("acme", intent.id, at, "succeeded")
        made += [(intent.id, "intent", intent.record()), (intent.id, "outcome", outcome.record())]
    return made[:number]


def sealed(counts: list[int], number: int | None = None) -> Trail:
    made = records(sum(counts) if number is None else number)
    trail = Trail([], [])
    head = None
    for step, count in enumerate(counts):
        batch, made = made[:count], made[count:]
        at = START + (step + 1) * 3_600_000
        links, head = extend("acme", head, [text for _, _, text in batch], now=at, kept_until=at + KEPT_MS)
        trail.heads.append(head)
        for (sk, phase, _), link in zip(batch, links, strict=True):
            pk = partition("acme", sk, phase)
            trail.stored.append(Stored(pk, sk, link.record, link.sequence, link.previous, link.hash))
    trail.stored += [Stored(partition("acme", sk, phase), sk, text) for sk, phase, text in made]
    return trail


def report(trail: Trail, now: int = NOW) -> Report:
    return verify(trail.found(), now)


COUNTS = st.lists(st.integers(1, 4), min_size=1, max_size=5)


@given(COUNTS)
def test_an_untouched_chain_has_no_fault(counts: list[int]) -> None:
    trail = sealed(counts)
    found = report(trail)
    assert found.faults == ()
    assert (found.verified, found.unsigned, found.unsealed) == (sum(counts), 0, 0)
    assert len(found.without_outcome) == sum(counts) % 2


# --- any single thing that is done to sealed entries ------------------------------------------------------------------


def rehashed(one: Stored) -> Stored:
    """An entry whose own hash is right, as somebody who knows the rule would write it."""
    return replace(one, hash=link_hash("acme", one.sequence or 0, one.previous, one.record))


@given(COUNTS, st.data())
def test_a_deleted_entry_is_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    del trail.stored[data.draw(st.integers(0, len(trail.stored) - 1))]
    assert report(trail).faults


@given(COUNTS, st.data())
def test_a_changed_entry_is_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    at = data.draw(st.integers(0, len(trail.stored) - 1))
    one = trail.stored[at]
    changes: list[Stored] = [
        replace(one, record=one.record.replace("acme", "acne")),
        replace(one, record="{}"),
        replace(one, record="no JSON"),
        replace(one, sequence=None),
        replace(one, sequence=(one.sequence or 0) + 1),
        replace(one, sequence=0),
        replace(one, sequence=-1),
        replace(one, previous=GENESIS[:-1] + "1"),
        replace(one, hash=GENESIS),
        replace(one, sk=new_id("aud", START)),
        replace(one, pk=one.pk.replace("acme", "acne")),
        replace(one, pk=one.pk.removesuffix("#outcome") + ("" if one.pk.endswith("#outcome") else "#outcome")),
    ]
    changed = data.draw(st.sampled_from(changes))
    if changed.hash == one.hash and changed.sequence and data.draw(st.booleans()):
        changed = rehashed(changed)
    trail.stored[at] = changed
    assert report(trail).faults


@given(COUNTS, st.data())
def test_an_inserted_entry_is_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    one = data.draw(st.sampled_from(trail.stored))
    intent = Intent("acme", new_id("aud", START), START, "webhook.delete", "tok_2")
    sequence = data.draw(st.integers(-1, len(trail.stored) + 3))
    forged = Stored(partition("acme", intent.id, "intent"), intent.id, intent.record(), sequence, one.hash)
    trail.stored.insert(data.draw(st.integers(0, len(trail.stored))), rehashed(forged))
    assert report(trail).faults


@given(COUNTS.filter(lambda counts: sum(counts) > 1), st.data())
def test_reordered_entries_are_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    first, second = sorted(
        data.draw(st.lists(st.integers(0, len(trail.stored) - 1), min_size=2, max_size=2, unique=True))
    )
    a, b = trail.stored[first], trail.stored[second]
    trail.stored[first] = rehashed(replace(a, sequence=b.sequence, previous=b.previous))
    trail.stored[second] = rehashed(replace(b, sequence=a.sequence, previous=a.previous))
    assert report(trail).faults


@given(COUNTS, st.data())
def test_a_truncated_chain_is_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    kept = data.draw(st.integers(0, len(trail.stored) - 1))
    del trail.stored[kept:]
    assert any("truncated" in fault for fault in report(trail).faults)


@given(COUNTS.filter(lambda counts: len(counts) > 1), st.data())
def test_a_chain_that_is_truncated_and_goes_on_is_reported(counts: list[int], data: st.DataObject) -> None:
    """Also the table's head was set back, and the sealer went on from there."""
    trail = sealed(counts)
    kept = data.draw(st.integers(0, len(counts) - 2))
    head = trail.heads[kept - 1] if kept else None
    del trail.stored[head.sequence if head else 0 :]
    later = Intent("acme", new_id("aud", NOW), NOW, "webhook.delete", "tok_1")
    links, new_head = extend("acme", head, [later.record()] * 30, now=NOW, kept_until=NOW + KEPT_MS)
    trail.stored += [
        Stored(partition("acme", later.id, "intent"), later.id, link.record, link.sequence, link.previous, link.hash)
        for link in links
    ]
    trail.heads.append(new_head)
    assert any("sealed twice" in fault for fault in report(trail).faults)


@given(COUNTS, st.data())
def test_a_missing_head_is_reported(counts: list[int], data: st.DataObject) -> None:
    trail = sealed(counts)
    end = trail.heads[-1].sequence
    del trail.heads[data.draw(st.integers(0, len(trail.heads) - 1))]
    found = Found("acme", trail.stored, trail.heads, signed=end, sealed=end)
    assert any("missing" in fault for fault in verify(found, NOW).faults)


@given(COUNTS, st.data())
def test_a_changed_head_is_reported(counts: list[int], data: st.DataObject) -> None:
    """As if somebody could sign."""
    trail = sealed(counts)
    at = data.draw(st.integers(0, len(trail.heads) - 1))
    head = trail.heads[at]
    trail.heads[at] = data.draw(
        st.sampled_from(
            [
                replace(head, tenant="acne"),
                replace(head, hash=GENESIS),
                replace(head, count=head.count + 1),
                replace(head, sequence=head.sequence + 100),
            ]
        )
    )
    assert report(trail).faults


def test_a_head_whose_signature_does_not_hold_is_a_fault() -> None:
    found = replace(sealed([2]).found(), bad_heads=["heads/acme/1.json"])
    assert verify(found, NOW).faults == ("the signature of heads/acme/1.json does not hold",)


# --- what the faults say ----------------------------------------------------------------------------------------------


def test_gaps_name_the_signed_heads_around_them() -> None:
    trail = sealed([4, 4, 4])
    gone = {3, 4, 5, 12}
    trail.stored = [one for one in trail.stored if one.sequence not in gone]
    assert [fault for fault in report(trail).faults if "missing between" in fault] == [
        "entries 3 to 5 are missing between the signed heads 0 and 8",
        "entry 12 is missing between the signed heads 8 and 12: the chain was truncated",
    ]


def test_a_change_names_the_entry() -> None:
    trail = sealed([3])
    trail.stored[1] = replace(trail.stored[1], record=trail.stored[1].record.replace("succeeded", "failed"))
    assert report(trail).faults == (f"entry 2 ({trail.stored[1].sk}) was changed",)


# --- what is open -----------------------------------------------------------------------------------------------------


def test_what_is_not_sealed_or_signed_yet_is_counted_and_no_fault() -> None:
    trail = sealed([4, 2], 9)
    signed = trail.heads[:1]
    found = verify(Found("acme", trail.stored, signed, signed=4, sealed=6), NOW)
    assert found.faults == ()
    assert (found.verified, found.unsigned, found.unsealed) == (4, 2, 3)


def test_an_entry_without_outcome_is_named_once_it_cannot_still_run() -> None:
    trail = sealed([3])
    assert report(trail).without_outcome == (trail.stored[2].sk,)
    assert report(trail, START + 1 + RUNNING_MS).without_outcome == ()
    assert report(trail).faults == ()


def test_an_outcome_without_its_entry_is_a_fault_also_before_it_is_sealed() -> None:
    trail = sealed([2], 4)
    del trail.stored[2]
    assert report(trail).faults == (f"the entry {trail.stored[2].sk} is missing, and its outcome is there",)


def test_nothing_at_all_is_no_fault() -> None:
    assert verify(Found("acme", [], []), NOW) == Report((), (), 0, 0, 0)


# --- retention --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", range(5))
def test_entries_that_are_no_longer_kept_may_be_gone(kept: int) -> None:
    trail = sealed([4, 4])
    now = trail.heads[0].kept_until
    trail.stored = trail.stored[kept:]
    assert report(trail, now).faults == ()
    assert report(trail, now - 1).faults == () or kept


def test_entries_that_are_still_kept_may_not_be_gone() -> None:
    trail = sealed([4, 4])
    now = trail.heads[0].kept_until
    trail.stored = trail.stored[5:]
    assert "entry 5 is missing between the signed heads 4 and 8" in report(trail, now).faults
    trail = sealed([4, 4])
    trail.stored = trail.stored[1:]
    assert report(trail, now - 1).faults


def test_a_shorter_retention_makes_no_fault_of_what_was_sealed_before() -> None:
    trail = sealed([4, 4, 4])
    now = trail.heads[2].sealed_at + 30 * DAY_MS
    trail.heads[1] = replace(trail.heads[1], kept_until=now)
    assert report(trail, now).faults == ()
    trail.stored = trail.stored[:4] + trail.stored[8:]
    assert report(trail, now).faults == ()
    trail.stored = trail.stored[:-1]
    assert report(trail, now).faults


def test_heads_expire_after_their_entries() -> None:
    trail = sealed([4, 4])
    now = trail.heads[1].kept_until
    trail.stored, trail.heads = [], trail.heads[1:]
    assert report(trail, now).faults == ()
    assert report(trail, now - 1).faults
