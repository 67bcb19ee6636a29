"""The committed bundle is what portal/ says, and the same wherever it is built."""

import json
import os
from pathlib import Path

import pytest

from tools.local import node
from tools.local.console import Failure
from tools.portal import bundle


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def with_node() -> None:
    try:
        node.node()
    except Failure as failure:
        if os.environ.get("REQUIRE_ALL") == "1":
            raise
        pytest.skip(f"NOT RUN: {failure}")


@pytest.mark.usefixtures("with_node")
@pytest.mark.parametrize("name", ["one", "another folder/with a longer name"])
def test_it_is_what_the_sources_say_in_any_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    bundle.build(folder, tmp_path / "site")
    built, committed = files(tmp_path / "site"), files(bundle.SITE)
    assert built.keys() == committed.keys(), "run make portal-build"
    assert [path for path in built if built[path] != committed[path]] == []


def test_the_lock_file_names_no_registry_and_every_digest() -> None:
    packages = json.loads((bundle.SOURCE / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if {"resolved", "funding"} & package.keys()] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
