"""The verifiers of the guide in the languages that this project does not need itself."""

import shutil
from pathlib import Path

import pytest

from tests.support.verifiers import LANGUAGES, wrong


@pytest.mark.parametrize("ending", ["go", "php", "rb"])
def test_it_accepts_what_the_service_signs_and_nothing_else(ending: str, tmp_path: Path) -> None:
    if not shutil.which(LANGUAGES[ending].program):
        pytest.skip(f"NOT RUN: {LANGUAGES[ending].program} is not on the PATH")
    assert wrong(ending, tmp_path) == []
