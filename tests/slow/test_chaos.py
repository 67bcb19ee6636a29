"""Publish, dispatch, retry and sweep killed before and after every call they make: nothing lost, nothing sent twice."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobsprint.core.observability import logger
from tests.support.chaos import Again, Outcome, Stage, stage
from tests.support.crash_injector import AGAIN_FOLDERS, FOLDERS

PAIRS = 30
TRIES = 3


@pytest.fixture
def world(aws: dict[str, Any], tmp_path: Path) -> Iterator[Stage]:
    logger.setLevel("CRITICAL")
    with stage(tmp_path) as found:
        yield found
    logger.setLevel("INFO")


@pytest.fixture
def again(aws: dict[str, Any], tmp_path: Path) -> Iterator[Stage]:
    logger.setLevel("CRITICAL")
    with stage(tmp_path, Again) as found:
        yield found
    logger.setLevel("INFO")


def report(title: str, outcomes: list[Outcome]) -> None:
    total = {
        name: sum(getattr(one, name) for one in outcomes) for name in ("published", "delivered", "duplicated", "lost")
    }
    died = sum(len(one.world.died) for one in outcomes)
    print(f"\n{title}: {died} deaths in {len(outcomes)} runs; {total}")


def boundaries_of(world: Stage) -> list[str]:
    """Every boundary of a clean run; not of the first, which is slow enough for the dispatcher to take note."""
    world.play()
    clean = world.play()
    assert not clean.wrong
    return clean.world.labels


def killed(world: Stage, label: str) -> Outcome:
    """A run with a death at that boundary; threads may reach one call less than in the clean run, so up to three."""
    for _ in range(TRIES):
        outcome = world.play({label})
        if outcome.world.died or outcome.wrong:
            break
    return outcome


def survives(world: Stage, boundaries: list[str]) -> None:
    """A run for each of the boundaries, with a death there."""
    assert len(boundaries) == len(set(boundaries))

    outcomes = [killed(world, label) for label in boundaries]

    report(f"{len(boundaries)} boundaries", outcomes)
    for call, found in sorted(Counter(label.rpartition(" ")[0] for label in boundaries).items()):
        print(f"  {found:4} {call}")
    missed = [label for label, one in zip(boundaries, outcomes, strict=True) if one.world.died != [label]]
    assert not missed, "nobody died there"
    assert not {label: one.wrong for label, one in zip(boundaries, outcomes, strict=True) if one.wrong}
    assert not sum(one.lost for one in outcomes)


def test_a_crash_at_every_boundary(world: Stage) -> None:
    boundaries = boundaries_of(world)
    assert {label.split(" ")[0] for label in boundaries} == set(FOLDERS)
    # Claims and results, and the next attempts of what failed.
    dispatched = {label.split(" ")[1] for label in boundaries if label.startswith("dispatch_webhooks ")}
    assert {"dynamodb.UpdateItem", "sqs.SendMessage", "http"} <= dispatched
    survives(world, boundaries)


def test_a_crash_at_every_boundary_of_resending_replaying_and_deferring(again: Stage) -> None:
    boundaries = [label for label in boundaries_of(again) if not label.startswith("publish_events")]
    assert {label.split(" ")[0] for label in boundaries} == set(AGAIN_FOLDERS)
    survives(again, boundaries)


def test_two_crashes(world: Stage) -> None:
    boundaries = boundaries_of(world)
    chance = random.Random(4)
    pairs = [sorted(chance.sample(range(len(boundaries)), 2)) for _ in range(PAIRS)]

    outcomes = [world.play({boundaries[first], boundaries[second]}) for first, second in pairs]

    report(f"{PAIRS} pairs", outcomes)
    assert all(one.world.died for one in outcomes)
    assert sum(len(one.world.died) == 2 for one in outcomes) > PAIRS / 2
    assert not {tuple(one.world.fatal): one.wrong for one in outcomes if one.wrong}
