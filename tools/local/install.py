"""Make the virtual environments that the project needs; runs with nothing installed.

    python3 tools/local/install.py dev emulator

Nothing happens for one that already holds exactly its requirements for this very Python.
"""

import hashlib
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

# name -> folder, requirements, what to call it
ENVIRONMENTS = {
    "dev": (Path(".venv"), Path("requirements/dev.txt"), "the development tools"),
    "emulator": (Path(".local/emulator"), Path("requirements/emulator.txt"), "the AWS emulator"),
    "bench": (Path(".local/bench-python"), Path("requirements/bench.txt"), "the Python of the benchmarks"),
    "docs": (Path(".local/docs-python"), Path("requirements/docs.txt"), "the generator of the guide"),
    "openapi": (Path(".local/openapi-python"), Path("requirements/openapi.txt"), "the generators of API clients"),
    "clients": (Path(".local/clients-python"), Path("requirements/clients.txt"), "the Python of the clients"),
    "node": (Path(".local/node"), Path("requirements/node.txt"), "Node.js"),
}
LOGS = Path(".local/logs")
TICK_SECONDS = 10


class Problem(Exception):
    """Why an environment cannot be made, as one clear sentence."""


def main(names: list[str]) -> None:
    """Make the named environments, at the same time; exit with one sentence if that fails."""
    problems: list[str] = []
    threads = [threading.Thread(target=attempt, args=(*ENVIRONMENTS[name], problems)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        sys.exit(problems[0])


def attempt(folder: Path, requirements: Path, name: str, problems: list[str]) -> None:
    """Make one environment or note why not."""
    try:
        make(folder, requirements, name)
    except Problem as problem:
        problems.append(str(problem))


def make(folder: Path, requirements: Path, name: str) -> None:
    """Fill the folder with exactly the requirements, unless it is so already."""
    stamp = folder / ".installed"
    wanted = fingerprint(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    log = LOGS / f"install-{requirements.stem}.log"
    started = time.monotonic()
    ended = threading.Event()
    threading.Thread(target=tick, args=(name, started, ended), daemon=True).start()
    try:
        with log.open("w") as output:
            create(folder, output, log)
            fill(folder, requirements, output, log)
    finally:
        ended.set()
    stamp.write_text(wanted)
    print(f"  Installed {name} ({time.monotonic() - started:.0f} s)", flush=True)


def tick(name: str, started: float, ended: threading.Event) -> None:
    """Say every now and then that it is still going on."""
    print(f"  Installing {name} ...", flush=True)
    while not ended.wait(TICK_SECONDS):
        print(f"  Installing {name} ... {time.monotonic() - started:.0f} s", flush=True)


def fingerprint(requirements: Path) -> str:
    """What a folder depends on: the pinned packages, the interpreter and where the checkout stands."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return "\n".join([digest, str(Path(sys.executable).resolve()), sys.version, str(Path.cwd())])


def create(folder: Path, output: TextIO, log: Path) -> None:
    """Make the environment with the standard library, or with uv where the system lacks that part."""
    if call([sys.executable, "-m", "venv", str(folder)], output):
        return
    shutil.rmtree(folder, ignore_errors=True)
    if not (shutil.which("uv") and call(["uv", "venv", "--seed", "--python", sys.executable, str(folder)], output)):
        raise Problem(
            f"{sys.executable} cannot make virtual environments: install its venv module "
            f"(python3-venv on Debian and Ubuntu) and run make again; details in {log}."
        )


def fill(folder: Path, requirements: Path, output: TextIO, log: Path) -> None:
    """Install exactly the pinned packages, each checked by its hash; uv does it faster where it exists."""
    python = str(folder / "bin" / "python")
    pinned = ["--no-deps", "--require-hashes", "--requirement", str(requirements)]
    if shutil.which("uv") and call(["uv", "pip", "install", "--compile-bytecode", "--python", python, *pinned], output):
        return
    if not call([python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *pinned], output):
        raise Problem(f"The packages of {requirements} could not be installed; details in {log}.")


def call(command: list[str], output: TextIO) -> bool:
    """Run a command into the log; whether it succeeded."""
    output.write(f"$ {' '.join(command)}\n")
    output.flush()
    return subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    main(sys.argv[1:])
