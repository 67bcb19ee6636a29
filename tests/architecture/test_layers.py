"""Our own code is in several layers, so that a change reaches no function that does not run it."""

import os
import subprocess
import sys

import pytest

from tests.support.sources import modules, needed_by
from tests.support.template import ROOT, functions, layers_of, own_layers


@pytest.mark.parametrize("folder", functions())
def test_a_function_has_the_layers_that_it_needs_and_no_other(folder: str) -> None:
    needed = {modules()[name][1] for name in needed_by(folder)}
    assert needed == set(layers_of(folder)) & own_layers().keys()


def test_no_layer_shadows_another_or_the_standard_library() -> None:
    # All lie on /opt/python, where a top-level `http` or `types` would hide Python's own, and a file that of another
    # layer. `jobsprint` has no __init__.py, because Python then joins what lies in several folders (PEP 420).
    own = list(own_layers().values())
    assert [sorted(path.name for path in folder.iterdir() if path.is_dir()) for folder in own] == [["jobsprint"]] * 3
    names = [path.relative_to(folder) for folder in own for path in folder.glob("jobsprint/*")]
    assert len(names) == len(set(names))
    assert not [folder for folder in own if (folder / "jobsprint" / "__init__.py").exists()]


def test_every_module_is_needed_by_a_function() -> None:
    needed = set().union(*map(needed_by, functions()))
    assert sorted(modules().keys() - needed) == []


@pytest.mark.parametrize(
    "folder", ["authorize", "publish_events", "dispatch_webhooks", "list_integrations", "execute_action"]
)
def test_a_handler_is_imported_with_its_layers_alone(folder: str) -> None:
    path = [str(ROOT), *(str(own_layers()[layer]) for layer in layers_of(folder) if layer in own_layers())]
    done = subprocess.run(
        [sys.executable, "-c", f"import functions.{folder}.app"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
