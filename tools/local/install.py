"""Make the virtual environments that the project needs; runs with nothing installed.

    python3 tools/local/install.py run emulator

Without a name only uv is. Nothing happens for one that already holds exactly its requirements for this very Python. uv
installs them, several times as fast as pip: the one on PATH, else one of the project's own, which pip brings, else pip
does it all.
"""

import hashlib
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple, TextIO


class Environment(NamedTuple):
    """A virtual environment: where, of what, what to call it, and its size on the disk in MB, as a person is told."""

    folder: Path
    requirements: Path
    name: str
    megabytes: int
    compiled: bool = True
    """Whether all bytecode is made at once; else Python makes what it uses, which is a tenth of the SAM CLI's."""


ENVIRONMENTS = {
    "run": Environment(Path(".local/python"), Path("requirements/run.txt"), "the SAM CLI", 230, compiled=False),
    "emulator": Environment(Path(".local/emulator"), Path("requirements/emulator.txt"), "the AWS emulator", 110),
    "dev": Environment(Path(".venv"), Path("requirements/dev.txt"), "the development tools", 570),
    "bench": Environment(Path(".local/bench-python"), Path("requirements/bench.txt"), "the benchmarks' Python", 50),
    "docs": Environment(Path(".local/docs-python"), Path("requirements/docs.txt"), "the generator of the guide", 60),
    "openapi": Environment(
        Path(".local/openapi-python"), Path("requirements/openapi.txt"), "the generators of API clients", 200
    ),
    "clients": Environment(
        Path(".local/clients-python"), Path("requirements/clients.txt"), "the Python of the clients", 50
    ),
    "mcp": Environment(Path(".local/mcp-python"), Path("requirements/mcp.txt"), "the other clients of MCP", 40),
    "node": Environment(Path(".local/node"), Path("requirements/node.txt"), "Node.js", 200),
}
UV = Environment(Path(".local/uv"), Path("requirements/uv.txt"), "uv, which installs the rest", 60)
PIP_INSTALL = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
LOGS = Path(".local/logs")
TICK_SECONDS = 10


class Problem(Exception):
    """Why an environment cannot be made, as one clear sentence."""


def main(names: list[str]) -> None:
    """Make the named environments, at the same time; exit with one sentence if that fails."""
    missing = [environment for environment in map(ENVIRONMENTS.__getitem__, names) if not installed(environment)]
    if names and not missing:
        return
    problems: list[str] = []
    uv = ["uv"] if shutil.which("uv") else own_uv()
    threads = [threading.Thread(target=attempt, args=(environment, uv, problems)) for environment in missing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        sys.exit(problems[0])


def own_uv() -> list[str]:
    """The command of the project's own uv, installed by pip; empty where there is none for this machine."""
    if not installed(UV):
        try:
            make(UV, [])
        except Problem:
            say("  No uv for this machine: pip installs the rest, which takes longer.")
            return []
    return [str(UV.folder / "bin" / "uv"), "--system-certs"]  # it trusts whom pip trusts


def attempt(environment: Environment, uv: list[str], problems: list[str]) -> None:
    """Make one environment or note why not."""
    try:
        make(environment, uv)
    except Problem as problem:
        problems.append(str(problem))


def installed(environment: Environment) -> bool:
    """Whether the folder holds exactly the requirements."""
    stamp = environment.folder / ".installed"
    return stamp.exists() and stamp.read_text() == fingerprint(environment.requirements)


def make(environment: Environment, uv: list[str]) -> None:
    """Fill the folder with exactly the requirements."""
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    log = LOGS / f"install-{environment.requirements.stem}.log"
    started = time.monotonic()
    ended = threading.Event()
    threading.Thread(target=tick, args=(environment, started, ended), daemon=True).start()
    try:
        with log.open("w") as output:
            if environment is not UV or not unpack(UV, output):
                create(environment.folder, uv, output, log)
                fill(environment, uv, output, log)
    finally:
        ended.set()
    (environment.folder / ".installed").write_text(fingerprint(environment.requirements))
    say(f"  Installed {environment.name} ({time.monotonic() - started:.0f} s)")


def tick(environment: Environment, started: float, ended: threading.Event) -> None:
    """Say every now and then that it is still going on."""
    say(f"  Installing {environment.name} ({environment.megabytes} MB) ...")
    while not ended.wait(TICK_SECONDS):
        say(f"  Installing {environment.name} ... {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    """Print a line in one piece: several environments are made at the same time."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fingerprint(requirements: Path) -> str:
    """What a folder depends on: the pinned packages, the interpreter and where the checkout stands."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return "\n".join([digest, str(Path(sys.executable).resolve()), sys.version, str(Path.cwd())])


def create(folder: Path, uv: list[str], output: TextIO, log: Path) -> None:
    """Make the environment, with pip in it, which builds of layers use."""
    if uv and call([*uv, "venv", "--seed", "--python", sys.executable, str(folder)], output):
        return
    shutil.rmtree(folder, ignore_errors=True)
    if not call([sys.executable, "-m", "venv", str(folder)], output):
        raise Problem(
            f"{sys.executable} cannot make virtual environments: install its venv module "
            f"(python3-venv on Debian and Ubuntu) and run make again; details in {log}."
        )


def fill(environment: Environment, uv: list[str], output: TextIO, log: Path) -> None:
    """Install exactly the pinned packages, each checked by its hash."""
    python = str(environment.folder / "bin" / "python")
    pinned = exactly(environment)
    bytecode = ["--compile-bytecode"] if environment.compiled else []
    if uv and call([*uv, "pip", "install", *bytecode, "--python", python, *pinned], output):
        return
    if uv:
        say(f"  uv could not install {environment.name} (details in {log}); pip takes longer.")
    if not call([python, *PIP_INSTALL, *pinned], output):
        raise Problem(f"The packages of {environment.requirements} could not be installed; details in {log}.")


def unpack(environment: Environment, output: TextIO) -> bool:
    """Install programs that need no Python around them by this Python's own pip, where it has one; soon done."""
    return call([sys.executable, *PIP_INSTALL, "--target", str(environment.folder), *exactly(environment)], output)


def exactly(environment: Environment) -> list[str]:
    """The options to install exactly the pinned packages."""
    return ["--no-deps", "--require-hashes", "--requirement", str(environment.requirements)]


def call(command: list[str], output: TextIO) -> bool:
    """Run a command into the log; whether it succeeded."""
    output.write(f"$ {' '.join(command)}\n")
    output.flush()
    return subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    main(sys.argv[1:])
