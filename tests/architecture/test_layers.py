"""The layer of our own code holds what the functions run, and nothing else."""

from tests.support.sources import modules, needed_by
from tests.support.template import LAYER, functions


def test_the_layer_shadows_nothing() -> None:
    # It lies on /opt/python beside the dependencies, where a top-level `http` or `types` would hide Python's own.
    assert [path.name for path in LAYER.iterdir() if path.is_dir()] == ["jobsprint"]


def test_every_module_is_needed_by_a_function() -> None:
    needed = set().union(*map(needed_by, functions()))
    assert sorted(modules().keys() - needed) == []
