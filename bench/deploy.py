"""What a deploy takes: the layers of our own code, and a build after a change of one line, in a copy of the project."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from bench.figures import Figure
from local import sam
from local.options import PROJECT
from tests.support.template import own_layers

_COPIED = ("functions", "layers", "template.yaml", "samconfig.toml")
_FUNCTION = Path("functions/list_integrations/app.py")
_SHARED = Path("layers/core/jobsprint/domain/times.py")


def figures() -> list[Figure]:
    """Builds a copy in `.local/bench-build`, then again after a line more in a function, and in what all share."""
    copy = PROJECT / ".local" / "bench-build"
    shutil.rmtree(copy, ignore_errors=True)
    for name in _COPIED:
        take = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy.mkdir(parents=True, exist_ok=True)
        take(PROJECT / name, copy / name)
    try:
        _build(copy)
        first = _artefacts(copy)
        function_seconds, changed = _after_a_line(copy, _FUNCTION)
        function_changes = _changes(first, changed)
        layer_seconds, changed_again = _after_a_line(copy, _SHARED)
        layer_changes = _changes(changed, changed_again)
        sizes = {layer: _zipped_kb(copy, layer) for layer in own_layers()}
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return [
        Figure("own-code layer, zipped, the largest", max(sizes.values()), "KB", 300, note=_summed(sizes)),
        Figure("sam build after a line in a function", function_seconds, "s", 5),
        Figure("sam build after a line in the layer", layer_seconds, "s", 5),
        Figure("artefacts changed by that line", len(function_changes), "", 1, note=_named(function_changes)),
        Figure("artefacts changed by that line in the layer", len(layer_changes), "", 1, note=_named(layer_changes)),
    ]


def _build(copy: Path) -> None:
    target = sam.local_target()
    command = [
        sys.executable, "-m", "samcli", "build", "--cached", "--parallel",
        "--template-file", str(copy / "template.yaml"),
        "--build-dir", str(copy / "build"),
        "--cache-dir", str(copy / "cache"),
        "--parameter-overrides", f"Runtime={target.runtime}",
    ]  # fmt: skip
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "SAM_CLI_TELEMETRY": "0",
        "RUNTIME": target.runtime,
        "ARCH": target.architecture,
        "WHEELS": target.wheels,
        "PYTHON": sys.executable,
        "COMPILER": sys.executable,
    }
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _after_a_line(copy: Path, path: Path) -> tuple[float, dict[str, str]]:
    """Seconds of the build after a line more in `path`, and what it gives."""
    with (copy / path).open("a") as file:
        file.write("# One line more.\n")
    started = time.monotonic()
    _build(copy)
    return time.monotonic() - started, _artefacts(copy)


def _artefacts(copy: Path) -> dict[str, str]:
    """What is uploaded, by name, as a digest: `sam deploy` uploads what changed."""
    return {folder.name: _digest(folder) for folder in sorted((copy / "build").iterdir()) if folder.is_dir()}


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name, digest in after.items() if before.get(name) != digest]


def _named(changes: list[str]) -> str:
    return ", ".join(changes[:3])


def _summed(sizes: dict[str, float]) -> str:
    listed = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
    return f"{listed}: {sum(sizes.values()):.0f} KB in all, bytecode alone"


def _zipped_kb(copy: Path, layer: str) -> float:
    """The zip of a built layer."""
    folder, target = copy / "build" / layer, copy / "layer.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target.stat().st_size / 1024
