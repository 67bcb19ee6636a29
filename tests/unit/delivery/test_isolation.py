"""A sample of tests/slow/test_isolation.py: two minutes of the model, three seeds."""

from statistics import median

from tests.support.isolation import Load, Model


def test_a_hanging_receiver_hardly_moves_the_others() -> None:
    def p95(seed: int, hanging: int | None) -> float:
        return Model(Load(per_second=25, seconds=120, hanging=hanging), seed, fair=False).run().p95

    assert median(p95(seed, hanging=7) / p95(seed, hanging=None) for seed in range(3)) <= 1.10
