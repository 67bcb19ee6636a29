"""What the make line may say to the local stack."""

from pathlib import Path

import pytest

from tools.local.console import Failure
from tools.local.options import DEFAULT_PORT, LOCAL_PARAMETERS, Home, chosen_parameters, chosen_port


@pytest.mark.parametrize("port", ["abc", "0", "80", "99999", "-1", "4566.0", "\u0664\u0665\u0666\u0666", " "])
def test_what_is_no_port_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(Failure, match=r"is no port: give a number from 1024 to 65535, as in PORT=5000\.$"):
        chosen_port(Home(tmp_path))


def test_the_port_is_the_given_one_else_the_last_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert chosen_port(Home(tmp_path)) == DEFAULT_PORT
    Home(tmp_path).port.write_text("5001\n")
    assert chosen_port(Home(tmp_path)) == 5001
    monkeypatch.setenv("PORT", "5002")
    assert chosen_port(Home(tmp_path)) == 5002


@pytest.mark.parametrize(("private", "loopback"), [("true", "true"), ("false", "false"), ("", "true")])
def test_without_private_targets_loopback_is_closed_as_well(
    monkeypatch: pytest.MonkeyPatch, private: str, loopback: str
) -> None:
    monkeypatch.setenv("ALLOW_PRIVATE_TARGETS", private)
    assert (LOCAL_PARAMETERS | chosen_parameters())["AllowLoopbackTargets"] == loopback
