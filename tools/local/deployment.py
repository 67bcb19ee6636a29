"""What the local stack was deployed from: nothing is built or deployed again where nothing has changed.

The digest is a parameter in the emulator's own Parameter Store, so a state that is lost or older takes it along.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.local import stack
from tools.local.options import PROJECT, Home

_NAME = "/jobsprint/deployed-from"
# Whatever a deployment is made of; the tools because they fill in what the emulator lacks.
_FOLDERS = ("functions", "layers", "tools/local")
_FILES = ("template.yaml", "samconfig.toml", "requirements/emulator.txt")


def digest(home: Home, parameters: Mapping[str, str], project: Path = PROJECT) -> str:
    """A text that is another whenever a source, a parameter, the emulator's version or the folder is another."""
    summed = hashlib.sha256(json.dumps([str(home.folder), sorted(parameters.items())]).encode())
    for path in _sources(project):
        summed.update(f"\0{path.relative_to(project)}\0".encode() + path.read_bytes())
    return summed.hexdigest()


def recorded(endpoint: str) -> str:
    """The digest of what is deployed; empty if nothing is, or not to its end."""
    parameters = stack.client("ssm", endpoint).get_parameters(Names=[_NAME])["Parameters"]
    return str(parameters[0]["Value"]) if parameters else ""


def record(endpoint: str, value: str) -> None:
    """Note that the deployment is complete."""
    stack.client("ssm", endpoint).put_parameter(Name=_NAME, Value=value, Type="String", Overwrite=True)


def forget(endpoint: str) -> None:
    """Note that a deployment begins; one that breaks off is made again."""
    stack.client("ssm", endpoint).delete_parameters(Names=[_NAME])


def _sources(project: Path) -> Iterator[Path]:
    yield from (project / name for name in _FILES)
    for folder in _FOLDERS:
        for path in sorted((project / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
