"""Redaction: no secret survives at any depth or in any spelling, and other values stay."""

import base64
import html
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.redaction import MASK, Masker, is_secret_name, redact, redact_text

_SECRET = st.text(min_size=6, max_size=40).filter(lambda text: text.strip() == text and MASK not in text)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TOKEN = 'q7Zp/2Lx+V9t"Rw\\&<ü>~'


def _json_escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def _all_hex(text: str, form: str) -> str:
    return "".join(form % ord(character) for character in text)


def _all_units(text: str, form: str) -> str:
    data = text.encode("utf-16-be")
    return "".join(form % int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda text: quote(text, safe=""),
    "URL, lower case": lambda text: re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe="")),
    "URL, every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "URL, some left": lambda text: quote(text, safe="/+!'()*"),
    "form": quote_plus,
    "URL, as JavaScript's escape": lambda text: _all_units(text, "%%u%04x"),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": _json_escaped,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON, slashes too": lambda text: _json_escaped(text).replace("/", "\\/"),
    "JSON twice": lambda text: _json_escaped(_json_escaped(text)),
    "JSON, every character": lambda text: _all_units(text, "\\u%04x"),
    "JSON, every character, upper case": lambda text: _all_units(text, "\\u%04X"),
    "JSON, every character, twice": lambda text: _json_escaped(_all_units(text, "\\u%04x")),
    "HTML": html.escape,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "HTML, decimal": lambda text: _all_hex(text, "&#%d;"),
    "HTML, decimal, unended": lambda text: _all_hex(text, "&#%d"),
    "HTML, hexadecimal": lambda text: _all_hex(text, "&#x%x;"),
    "HTML in JSON": lambda text: _json_escaped(html.escape(text)),
    "URL in HTML in JSON": lambda text: _json_escaped(html.escape(quote(text, safe=""))),
    "hex": lambda text: text.encode().hex(),
    "hex, upper case": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, URL-safe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 of Bearer": lambda text: base64.b64encode(f"Bearer {text}".encode()).decode(),
    "base64 of a name and it": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(f"xy{text}z".encode()).decode(), safe=""),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [TOKEN, "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "a b/c d", "é€🎉éé"])
def test_a_secret_is_found_in_every_spelling(spelling: str, secret: str) -> None:
    masked = Masker([secret]).text(f"before >{SPELLINGS[spelling](secret)}< after")

    assert masked.startswith("before >")
    assert masked.endswith("< after")
    between = masked.removeprefix("before >").removesuffix("< after")
    assert MASK in between
    assert len(between.replace(MASK, "")) <= 12, between  # what stood around it, in base64
    for other in ("plain", "URL", "JSON", "base64", "hex"):
        assert SPELLINGS[other](secret) not in masked


@given(secret=_SECRET, spelling=st.sampled_from(["plain", "URL", "form", "JSON", "base64", "hex"]), data=st.data())
def test_a_secret_never_survives_in_a_text_at_any_depth(secret: str, spelling: str, data: st.DataObject) -> None:
    text = SPELLINGS[spelling](secret.encode(errors="replace").decode())
    tree: Any = f"before {text} after"
    for kind in data.draw(st.lists(st.sampled_from(["list", "dict", "beside"]), max_size=4)):
        tree = [1, tree, None] if kind == "list" else {"here": tree}
        if kind == "beside":
            tree["other"] = data.draw(_JSON)
    assert text not in _texts(Masker([secret]).value(tree))


def _texts(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_texts, value))
    if isinstance(value, dict):
        return "\n".join(map(_texts, value.values()))
    return value if isinstance(value, str) else ""


@given(value=_JSON)
def test_without_secrets_nothing_is_masked_in_a_result(value: Any) -> None:
    assert Masker([]).value(value) == value


@given(value=_JSON, secret=_SECRET)
def test_names_and_numbers_stay(value: Any, secret: str) -> None:
    def shape(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {name: shape(element) for name, element in tree.items()}
        if isinstance(tree, list):
            return list(map(shape, tree))
        return "text" if isinstance(tree, str) else tree

    planted = {secret: value, "texts": [secret, value], "1": 123456}
    masked = Masker([secret, "123456", "texts"]).value(planted)
    assert shape(masked) == shape(planted)
    assert masked["texts"][0] == MASK


@pytest.mark.parametrize("spelling", ["plain", "URL", "JSON", "HTML", "hex", "base64", "URL twice"])
def test_the_start_of_a_secret_at_the_end_of_a_cut_text_is_dropped(spelling: str) -> None:
    masker = Masker([f"Bearer {TOKEN}"])
    whole = SPELLINGS[spelling](TOKEN)
    for length in range(1, len(whole)):
        text = masker.text("e" * 171 + whole[:length], cut_off=True)
        assert text.rstrip("=") in ("e" * 171, "e" * 171 + MASK), (length, text)


def test_a_text_that_was_not_cut_keeps_its_end() -> None:
    assert Masker(["secret-1"]).text("this is no secret") == "this is no secret"
    assert Masker(["secret-1"]).text("this is no secret", cut_off=True) == "this is no "
    assert Masker(["secret-1"]).text("50 %", cut_off=True) == "50 %"
    assert Masker([]).text("anything at all", cut_off=True) == "anything at all"


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


def test_the_bare_part_of_an_authorization_header_is_masked() -> None:
    masker = Masker(["Bearer abc-def-ghi", "Basic dXNlcjpwYXNzd29yZA=="])
    assert masker.value(["abc-def-ghi", "xyz", "user:password", "password!"]) == [MASK, "xyz", MASK, f"{MASK}!"]


def test_very_short_secrets_mask_nothing() -> None:
    assert Masker(["a1", "", "abc"]).text("a1b a1 abc") == "a1b a1 abc"
    assert Masker(["abcd"]).text("xabcdx") == f"x{MASK}x"


def test_a_megabyte_is_masked_in_time() -> None:
    secrets = [f"secret-number-{number:04}-{'x' * 30}" for number in range(25)]
    value = {"rows": [{"id": number, "text": f"row {number} &amp; %41"} for number in range(30_000)]}
    started = time.process_time()
    assert Masker(secrets).value(value) == value
    assert time.process_time() - started < 2


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


def test_a_token_shape_is_masked_in_a_text() -> None:
    assert redact_text("Bearer abcdefgh12345678!") == f"{MASK}!"


@given(st.text("ab", min_size=4, max_size=9), st.lists(st.text("abx", max_size=9)), st.data())
def test_nothing_of_a_secret_is_left_at_a_cut(secret: str, parts: list[str], data: st.DataObject) -> None:
    """Also where a secret overlaps itself, so that its start lies within one that is whole."""
    begun = secret[: data.draw(st.integers(1, len(secret) - 1))]
    masked = Masker([secret]).text("".join([*parts, "x", secret, begun]), cut_off=True)
    assert secret not in masked
    assert masked.endswith(MASK)
