"""Samples of tests/slow/test_isolation.py: two minutes of the model, three seeds."""

from dataclasses import replace
from statistics import median

from tests.support.isolation import BURST_AT, Load, Model


def test_a_hanging_receiver_hardly_moves_the_others() -> None:
    def p95(seed: int, hanging: int | None) -> float:
        return Model(Load(per_second=25, seconds=120, hanging=hanging), seed, fair=False).run().p95

    assert median(p95(seed, hanging=7) / p95(seed, hanging=None) for seed in range(3)) <= 1.10


def test_a_tenant_with_many_webhooks_waits_behind_the_others() -> None:
    def ratio(seed: int, *, by_tenant: bool) -> float:
        load = Load(per_second=25, seconds=120, webhooks=10, pollers=20, by_tenant=by_tenant)
        calm = Model(load, seed, fair=True).run()
        hit = Model(replace(load, burst=5000), seed, fair=True).run()
        return hit.p95_during_burst / calm.p95_between(BURST_AT, hit.burst_ended)

    assert median(ratio(seed, by_tenant=True) for seed in range(3)) < 1.25, "1.10 is for 20,000 events"
    assert ratio(0, by_tenant=False) > 5
