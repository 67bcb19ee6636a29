"""Which stored header values are looked for in upstream text."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.redaction import MASK
from jobsprint.core.secret_headers import is_secret_header
from jobsprint.security.credentials import Credentials
from tests.unit.core.header_values import PLAIN, SECRETS


def test_the_corpus_has_200_examples() -> None:
    assert len({*SECRETS, *PLAIN}) == 200


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_secrets_are_looked_for(name: str, value: str) -> None:
    assert is_secret_header(name, value)


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_plain_values_are_not(name: str, value: str) -> None:
    assert not is_secret_header(name, value)


@given(st.text("0123456789abcdefghijkxyzABCDEFXYZ", min_size=12, max_size=60))
def test_what_was_generated_is_looked_for(value: str) -> None:
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())
    if bits >= 3:
        assert is_secret_header("X-Custom", value)


@pytest.mark.parametrize(("value", "secret"), [("abcde", False), ("abcdef", True), ("1234567", False)])
def test_shorter_than_six_characters_is_no_secret(value: str, secret: bool) -> None:
    assert is_secret_header("X-Custom", value) is secret


def masked(headers: dict[str, str], text: str) -> str:
    return Credentials("https://a.example/h", headers).masker().text(text)


def test_plain_headers_damage_nothing() -> None:
    result = {"data": 1, "year": 2024, "note": "data of 2024", "2024": [True]}
    masker = Credentials("https://a.example/h", {"X-Version": "2024", "X-Env": "data"}).masker()
    assert masker.value(result) == result


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Splunk", "GenieKey", "Zoho-oauthtoken"])
def test_a_credential_is_found_without_its_scheme(scheme: str) -> None:
    assert masked({"Authorization": f"{scheme} abc-9"}, "no abc-9!") == f"no {MASK}!"


def test_the_values_of_a_cookie_are_found_one_by_one() -> None:
    cookie = {"Cookie": "theme=dark; session=s-77; id=0a1b2c3d"}
    assert masked(cookie, "s-77 0a1b2c3d dark") == f"{MASK} {MASK} dark"
    assert masked({"Authorization": 'Token token="t-77x", app=main'}, "t-77x main") == f"{MASK} main"
