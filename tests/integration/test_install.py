"""What `make` says about the environments that it installs."""

import pytest

from tools.local.install import ENVIRONMENTS
from tools.local.options import PROJECT


@pytest.mark.parametrize("name", ["dev", "emulator"])
def test_the_size_that_a_person_is_told_is_about_right(name: str) -> None:
    environment = ENVIRONMENTS[name]
    files = (path for path in (PROJECT / environment.folder).rglob("*") if path.is_file() and not path.is_symlink())
    megabytes = sum(path.stat().st_blocks * 512 for path in files) / 2**20
    assert megabytes == pytest.approx(environment.megabytes, rel=0.2)
