"""Redaction: no secret survives at any depth or in any spelling, and other values stay."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.redaction import MASK, is_secret_name, mask_secrets, redact, redact_text, shown_url, url_secrets

_SECRET = st.text(min_size=6, max_size=40).filter(lambda text: text.strip() == text and MASK not in text)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _spellings(secret: str) -> list[str]:
    encoded = quote(secret, safe="")
    return [
        secret,
        encoded,
        quote(secret, safe="!'()*"),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    ]


def _planted(data: st.DataObject, text: str) -> Any:
    tree: Any = f"before {text} after"
    for kind in data.draw(st.lists(st.sampled_from(["list", "dict", "key", "beside"]), max_size=4)):
        if kind == "list":
            tree = [1, tree, None]
        elif kind == "key":
            tree = {text: tree}
        elif kind == "beside":
            tree = {"other": data.draw(_JSON), "here": tree}
        else:
            tree = {"here": tree}
    return tree


@given(secret=_SECRET, data=st.data())
def test_a_secret_never_survives(secret: str, data: st.DataObject) -> None:
    for text in _spellings(secret):
        tree = _planted(data, text)
        for masked in (redact(tree, [secret]), mask_secrets(tree, [secret])):
            assert text not in _texts(masked)
    assert secret not in redact_text(f"url?x={quote(secret, safe='')}&y={secret}", [secret])


def _texts(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_texts, value))
    if isinstance(value, dict):
        return "\n".join(f"{name}\n{_texts(element)}" for name, element in value.items())
    return str(value)


@given(value=_JSON)
def test_without_secrets_nothing_is_masked_in_a_result(value: Any) -> None:
    assert mask_secrets(value, []) == value


@given(name=st.sampled_from(["password", "apiKey", "Authorization", "tokens", "client_secret"]), value=_JSON)
def test_any_value_under_a_secret_name_is_masked(name: str, value: Any) -> None:
    def leaves(tree: Any) -> list[Any]:
        if isinstance(tree, dict | list):
            inner = tree.values() if isinstance(tree, dict) else tree
            return [leaf for element in inner for leaf in leaves(element)]
        return [tree]

    masked = redact({name: value})

    assert isinstance(masked, dict)
    assert all(leaf is None or isinstance(leaf, bool) or leaf == MASK for leaf in leaves(masked[name]))


def test_a_number_that_is_a_secret_is_masked() -> None:
    assert mask_secrets({"pin": 123456, "other": 1}, ["123456"]) == {"pin": MASK, "other": 1}


def test_the_bare_part_of_an_authorization_header_is_masked() -> None:
    assert mask_secrets(["abc-def-ghi", "xyz"], ["Bearer abc-def-ghi"]) == [MASK, "xyz"]


def test_very_short_secrets_mask_nothing() -> None:
    assert mask_secrets("a1b a1", ["a1", ""]) == "a1b a1"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passwd",
        "pwd",
        "apiKey",
        "api_key",
        "API-Key",
        "x-api-key",
        "accessToken",
        "access_token",
        "token",
        "tokens",
        "Authorization",
        "Set-Cookie",
        "clientSecret",
        "AWSSecretKey",
        "private_key",
        "signature",
        "jwt",
        "password2",
        "userPassword",
        "credentials",
        "auth",
        "session",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["name", "author", "tokenizer", "passenger", "secretary", "channel", "text", "keyboard", "key", "spinner"]
)
def test_names_that_hold_no_secret(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdefgh12345678",
        "Basic dXNlcjpwYXNzd29yZA==",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "xox" + "b-1234567890-abcdefghij",
        "gh" + "p_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "jsp_" + "0" * 26 + "_" + "a" * 43,
    ],
)
def test_token_shapes_are_masked_anywhere(text: str) -> None:
    assert redact({"note": f"see {text} there"}) == {"note": f"see {MASK} there"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("https://myapp.com/jobsprint-webhook", "https://myapp.com/jobsprint-webhook"),
        ("https://a.example/hook?channel=general&n=1", "https://a.example/hook?channel=general&n=1"),
        ("https://a.example/hook?token=abc&x=1", f"https://a.example/hook?token={MASK}&x=1"),
        ("https://a.example/hook?api_key=abc", f"https://a.example/hook?api_key={MASK}"),
        ("https://a.example/h?x=0123456789abcdefghijk", f"https://a.example/h?x={MASK}"),
        ("https://hooks.example/T00/B00/0123456789abcdefghijklmn", f"https://hooks.example/T00/B00/{MASK}"),
        ("https://t.example/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/send", f"https://t.example/{MASK}/send"),
        ("https://a.example/h#0123456789", f"https://a.example/h#{MASK}"),
        ("https://user:pass@a.example/h", "https://a.example/h"),
    ],
)
def test_a_url_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_the_secrets_of_a_url_are_known_in_both_spellings() -> None:
    found = url_secrets("https://a.example/0123456789abcdefghijklmn/x?token=a%2Fb%3D&n=1")

    assert set(found) == {"0123456789abcdefghijklmn", "a%2Fb%3D", "a/b="}
