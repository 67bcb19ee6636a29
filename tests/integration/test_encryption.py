"""Secrets at rest: an encrypted text opens in its own place and nowhere else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import aws
from jobsprint.repositories import data_keys
from jobsprint.security import encryption
from jobsprint.security.encryption import DecryptionFailed, EncryptionContext, decrypt, encrypt

CONTEXT = EncryptionContext("acme", "int_1", "headers", 3)

pytestmark = pytest.mark.usefixtures("aws")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_is_sealed_opens_again_and_shows_nothing(secret: str) -> None:
    encrypted = encrypt(CONTEXT, secret)

    assert decrypt(CONTEXT, encrypted) == secret
    assert encrypted != encrypt(CONTEXT, secret)
    assert len(secret) < 8 or secret not in encrypted


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"tenant": "globex"},
        {"item": "int_2"},
        {"field": "url"},
        {"version": 4},
        {"item": "int_1\0headers", "field": ""},
    ],
)
def test_it_opens_nowhere_else(elsewhere: dict[str, Any]) -> None:
    encrypted = encrypt(CONTEXT, "s3cret")
    encrypt(EncryptionContext("globex", "int_1", "headers", 3), "another tenant's")

    with pytest.raises(DecryptionFailed):
        decrypt(replace(CONTEXT, **elsewhere), encrypted)


def test_a_damaged_text_does_not_open() -> None:
    encrypted = encrypt(CONTEXT, "s3cret")

    for damaged in (encrypted[:-4] + "AAAA", encrypted[:20], "v1:", "", "v1:AAAA"):
        with pytest.raises(DecryptionFailed):
            decrypt(CONTEXT, damaged)


def test_a_tenant_has_one_data_key_and_it_is_kept_wrapped() -> None:
    encrypt(CONTEXT, "one")
    wrapped = data_keys.find_wrapped_key("acme")
    encryption.forget()
    encrypted = encrypt(CONTEXT, "two")
    encryption.forget()

    assert data_keys.find_wrapped_key("acme") == wrapped
    assert decrypt(CONTEXT, encrypted) == "two"


def test_a_key_of_another_tenant_cannot_be_put_under_this_ones() -> None:
    encrypt(EncryptionContext("globex", "x", "y", 1), "theirs")
    stolen = data_keys.find_wrapped_key("globex")
    assert stolen
    data_keys.keep_wrapped_key("acme", stolen)

    with pytest.raises(aws.kms().exceptions.InvalidCiphertextException):
        encrypt(CONTEXT, "s3cret")


def test_two_first_secrets_at_once_agree_on_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    real = data_keys.keep_wrapped_key

    def another_was_first(tenant: str, wrapped: bytes) -> bool:
        monkeypatch.setattr(encryption.data_keys, "keep_wrapped_key", real)
        encryption.forget()
        theirs.append(encrypt(CONTEXT, "theirs"))
        encryption.forget()
        return real(tenant, wrapped)

    theirs: list[str] = []
    monkeypatch.setattr(encryption.data_keys, "keep_wrapped_key", another_was_first)

    ours = encrypt(CONTEXT, "ours")

    encryption.forget()
    assert [decrypt(CONTEXT, theirs[0]), decrypt(CONTEXT, ours)] == ["theirs", "ours"]
