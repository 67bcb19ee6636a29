"""Signatures: published vectors, pitfalls of the receivers' libraries, properties."""

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.canonical_json import UnrepresentableJson, dumps, parse
from jobsprint.security import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
printable_secrets = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=128).filter(
    lambda text: not text.startswith("whsec_")
)


@pytest.mark.parametrize(
    ("secret", "message_id", "unix_time", "body", "expected"),
    [
        pytest.param(
            SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            id="V1 standard-webhooks libraries/python/tests/test_webhooks.py",
        ),
        pytest.param(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            id="V2 standard-webhooks libraries/rust/src/lib.rs",
        ),
        pytest.param(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            id="V3 svix-docs how-manual.mdx",
        ),
    ],
)
def test_standard_webhooks_vectors(secret: str, message_id: str, unix_time: int, body: bytes, expected: str) -> None:
    made = signing.headers(message_id=message_id, body=body, unix_time=unix_time, secrets=[secret])
    assert made["webhook-id"] == message_id
    assert made["webhook-timestamp"] == str(unix_time)
    assert made["webhook-signature"] == expected


def test_github_vector() -> None:
    """V5: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
    made = signing.headers(message_id="x", body=b"Hello, World!", unix_time=0, secrets=["It's a Secret to Everybody"])
    assert made["X-Jobsprint-Signature"] == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_only_the_named_headers_are_made() -> None:
    made = signing.headers(message_id="evt_1", body=b"{}", unix_time=1, secrets=[SECRET])
    assert set(made) == {"webhook-id", "webhook-timestamp", "webhook-signature", "X-Jobsprint-Signature"}


def test_rotation_signs_with_every_secret_newest_first_and_the_body_header_with_the_newest() -> None:
    newest, oldest = signing.generate_secret(), "an older secret"

    def made(*secrets: str) -> dict[str, str]:
        return signing.headers(message_id="evt_1", body=b"{}", unix_time=1, secrets=secrets)

    both = made(newest, oldest)
    assert both["webhook-signature"] == f"{made(newest)['webhook-signature']} {made(oldest)['webhook-signature']}"
    assert both["X-Jobsprint-Signature"] == made(newest)["X-Jobsprint-Signature"]


@given(st.lists(printable_secrets, min_size=1, max_size=4), st.binary(max_size=200), st.integers(0, 2**33))
def test_the_signature_header_is_tokens_with_single_spaces(secrets: list[str], body: bytes, unix_time: int) -> None:
    """The Python library raises a bare ValueError on two spaces, a trailing one or a token with no comma."""
    made = signing.headers(message_id="evt_1", body=body, unix_time=unix_time, secrets=secrets)["webhook-signature"]
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*", made)
    assert len(made.split(" ")) == len(secrets)


def test_the_key_of_the_literal_signature_keeps_the_prefix() -> None:
    made = signing.headers(message_id="evt_1", body=b"{}", unix_time=1, secrets=[SECRET])
    assert made["X-Jobsprint-Signature"] == "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()


def test_headers_need_a_secret_and_an_id_without_dots() -> None:
    with pytest.raises(ValueError, match="secret"):
        signing.headers(message_id="evt_1", body=b"{}", unix_time=1, secrets=[])
    with pytest.raises(ValueError, match="dot"):
        signing.headers(message_id="evt.1", body=b"{}", unix_time=1, secrets=[SECRET])


# --- the body ---


def test_the_published_example_body() -> None:
    """docs/api-contract.md, Signatures: the same members in the same order, signature last."""
    data = '{"workflowId":"wf_abc123","executionId":"exec_xyz789","status":"success","duration":5234}'
    payload = f'{{"event":"workflow.executed","timestamp":"2025-01-06T12:00:00Z","data":{data}}}'
    assert signing.payload_text("workflow.executed", "2025-01-06T12:00:00Z", data) == payload
    signature = hmac.new(b"your_secret", payload.encode(), hashlib.sha256).hexdigest()
    assert signing.signed_body("workflow.executed", "2025-01-06T12:00:00Z", data, "your_secret").decode() == (
        f'{payload[:-1]},"signature":"sha256={signature}"}}'
    )


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-9, 9)), printable_secrets)
def test_the_body_without_its_signature_is_what_was_signed(data: dict[str, int], secret: str) -> None:
    body = signing.signed_body("a.b", "2025-01-06T12:00:00.000Z", dumps(dict(data)), secret)
    payload = parse(body)
    assert isinstance(payload, dict)
    assert list(payload) == ["event", "timestamp", "data", "signature"]
    signature = payload.pop("signature")
    assert signature == "sha256=" + hmac.new(secret.encode(), dumps(payload).encode(), hashlib.sha256).hexdigest()


def test_event_and_timestamp_are_escaped() -> None:
    assert signing.payload_text('a"b', "é\n", "null") == '{"event":"a\\"b","timestamp":"é\\n","data":null}'
    with pytest.raises(UnrepresentableJson):
        signing.payload_text("\ud800", "", "null")


# --- secrets ---


def test_generated_secrets_are_prefixed_and_differ_and_pass_the_check() -> None:
    made = {signing.generate_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        signing.check_secret(secret)


@pytest.mark.parametrize(
    "secret",
    [
        "8 chars.",
        "x" * 128,
        "your_secret_key",
        "pässwörter €",
        "whsec_" + "A" * 32,
        "whsec_" + base64.b64encode(b"k" * 24).decode(),
        "whsec_" + base64.b64encode(b"k" * 64).decode(),
        "whsec-is-not-the-prefix",
        "WHSEC_is neither",
    ],
)
def test_secrets_a_caller_may_choose(secret: str) -> None:
    signing.check_secret(secret)
    assert signing.standard_key(secret)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "8 to 128"),
        ("7 chars", "8 to 128"),
        ("x" * 129, "8 to 128"),
        ("whsec_" + "A" * 124, "8 to 128"),
        ("new\nlines here", "printable"),
        ("trailing newline\n", "printable"),
        ("null \x00 byte", "printable"),
        ("delete \x7f here", "printable"),
        ("c1 control \x85", "printable"),
        ("surrogate \ud800", "printable"),
        ("whsec_QQ==", "24 to 64 bytes"),
        ("whsec_QUJDREU=", "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"k" * 23).decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"k" * 65).decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"k" * 24).decode()[:-1] + "=", "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"k" * 25).decode().rstrip("="), "24 to 64 bytes"),
        ("whsec_not base64", "base64"),
        ("whsec_url-safe_alphabet-", "base64"),
        ("whsec_QUJDRA", "base64"),
        ("whsec_QUJD=", "base64"),
        ("whsec_QUJDRA===", "base64"),
        ("whsec_QQ==QQ==", "base64"),
        ("whsec_====", "base64"),
        ("whsec_QR==", "base64"),
        ("whsec_ümläute", "base64"),
    ],
)
def test_secrets_a_caller_may_not_choose(secret: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        signing.check_secret(secret)
    assert not secret or secret not in str(caught.value)


def test_the_standard_key_is_decoded_after_the_prefix_and_literal_without_it() -> None:
    assert signing.standard_key("whsec_QUJD") == b"ABC"
    assert signing.standard_key("QUJDQUJD") == b"QUJDQUJD"
    assert signing.standard_key("pässwort") == "pässwort".encode()


@given(printable_secrets, st.binary(min_size=1, max_size=80))
def test_every_secret_works_with_the_stock_library(plain: str, key: bytes) -> None:
    """The library decodes the part after `whsec_`; it takes a plain secret as base64 of its bytes."""
    assert base64.b64decode(base64.b64encode(plain.encode())) == signing.standard_key(plain)
    assert signing.standard_key("whsec_" + base64.b64encode(key).decode()) == key
