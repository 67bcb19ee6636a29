"""The Python client as a wheel, and installed from it."""

from pathlib import Path

import pytest

from tests.support.built import PYTHON, copy, run
from tests.support.command_line import CommandLine


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    folder = tmp_path_factory.mktemp("python")
    run(PYTHON, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy("python", folder), cwd=folder)
    [built] = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def site(wheel: Path) -> Path:
    """The folder that the wheel is installed into; what it requires is in the environment of the clients."""
    folder = wheel.parent / "site"
    words = ["--quiet", "--no-deps", "--no-index", "--target", folder, wheel]
    run(PYTHON, "-m", "pip", "install", *words, cwd=wheel.parent)
    return folder


@pytest.fixture
def jobsprint(site: Path, tmp_path: Path) -> CommandLine:
    """The command line as it was installed, with a home of its own."""
    return CommandLine(site, tmp_path)
