"""The layers of the local stack's functions, unpacked once for all of them.

The emulator unpacks a function's layers in its own process at every cold start: 2,140 files, a second of its time, and
many when several functions start. So after a deployment the functions get what was built as folders on PYTHONPATH
instead (docs/adr/0052-layers-on-the-local-stack.md).
"""

import os
import shutil
from pathlib import Path
from typing import Any

from tools.local import stack
from tools.local.emulator import discard
from tools.local.options import Home

LAYERS = ("ConnectorLayer", "DependenciesLayer")
VARIABLE = "PYTHONPATH"


def mount(home: Home, endpoint: str, build: Path, digest: str) -> None:
    """Copy the built layers into a folder of this deployment, and let every function use that and no other."""
    folder = _copied(build, home.layers / digest[:16])
    path = os.pathsep.join(str(folder / layer / "python") for layer in LAYERS)
    functions = stack.client("lambda", endpoint)
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            _use(functions, function["FunctionName"], function["Environment"]["Variables"] | {VARIABLE: path})
    for other in home.layers.iterdir():
        if other != folder:
            discard(other)


def _use(functions: Any, name: str, variables: dict[str, str]) -> None:
    functions.update_function_configuration(FunctionName=name, Layers=[], Environment={"Variables": variables})
    for alias in functions.list_aliases(FunctionName=name)["Aliases"]:
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)


def _copied(build: Path, folder: Path) -> Path:
    """The build may change while functions run, and is shared by stacks in several folders."""
    if not folder.exists():
        unfinished = folder.with_suffix(".copying")
        shutil.rmtree(unfinished, ignore_errors=True)
        for layer in LAYERS:
            shutil.copytree(build / layer, unfinished / layer)
        unfinished.rename(folder)
    return folder
