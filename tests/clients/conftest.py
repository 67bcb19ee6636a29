"""The Python client as a wheel, and installed from it; the API for its command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.built import PYTHON, copy, run
from tests.support.command_line import CommandLine
from tests.support.deliveries import Outbox, watching_sqs
from tests.support.front import TOKEN, serving
from tests.support.receiver import Receiver, receiving
from tests.support.sender import close


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
def jobsprint(site: Path, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line as it was installed, with a home of its own."""
    program = CommandLine(site, tmp_path)
    yield program
    program.stop()


@pytest.fixture
def outbox(aws: dict[str, str]) -> Iterator[Outbox]:
    """What goes into SQS."""
    from jobsprint.delivery import dispatcher

    with watching_sqs() as box:
        yield box
    close(dispatcher.delivery_client)


@pytest.fixture
def endpoint(aws: dict[str, str]) -> Iterator[Receiver]:
    """A tenant's HTTP endpoint on 127.0.0.1."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def api(aws: dict[str, str]) -> Iterator[Receiver]:
    """The real handlers behind real HTTP, with a token that may do everything and others that may not."""
    with serving(
        {"jsp_reader": "webhooks:read", "jsp_publisher": "events:publish", "jsp_approver": "actions:approve"}
    ) as server:
        yield server


@pytest.fixture
def cli(jobsprint: CommandLine, api: Receiver) -> CommandLine:
    """The command line, logged in by its environment."""
    jobsprint.env = {"JOBSPRINT_TOKEN": TOKEN, "JOBSPRINT_BASE_URL": f"{api.url}/v1"}
    return jobsprint
