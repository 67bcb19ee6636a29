"""Secrets at rest: an encrypted text opens in its own place and nowhere else."""

import importlib.util
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import aws as clients
from jobsprint.repositories import data_keys
from jobsprint.security import encryption
from jobsprint.security.encryption import DecryptionFailed, EncryptionContext, decrypt, encrypt
from tests.support.call import call
from tests.support.receiver import Receiver
from tests.support.rows import connected
from tools.local.erase import Account, erase

CONTEXT = EncryptionContext("acme", "int_1", "headers", 3)

pytestmark = pytest.mark.usefixtures("aws")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
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

    for damaged in (
        encrypted[:-4] + "AAAA",
        encrypted[:20],
        "v2:",
        "",
        "v2:AAAA",
        "v1:AAAA",
        encrypted.replace("v2:", "v2:x"),
    ):
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

    with pytest.raises(clients.kms().exceptions.InvalidCiphertextException):
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


# --- a tenant whose data key changes ----------------------------------------------------------------------------------


@pytest.fixture
def other() -> ModuleType:
    """The same module in another container: it shares the table and KMS, and no key in memory."""
    spec = importlib.util.find_spec("jobsprint.security.encryption")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_key(tenant: str = "acme") -> None:
    """As after an erasure of the tenant, or a restore of the table to before it had a key."""
    clients.dynamodb().delete_item(TableName="TenantsTable", Key={"pk": {"S": f"{tenant}#key"}, "sk": {"S": "1"}})


def in_other(other: ModuleType) -> Any:
    return other.EncryptionContext("acme", "int_1", "headers", 3)


def test_a_cached_key_that_is_gone_encrypts_nothing(other: ModuleType) -> None:
    encrypt(CONTEXT, "before")
    without_key()

    encrypted = encrypt(CONTEXT, "after")

    assert other.decrypt(in_other(other), encrypted) == "after"


def test_two_containers_agree_after_the_key_changed(other: ModuleType) -> None:
    encrypt(CONTEXT, "before")
    without_key()
    theirs = other.encrypt(in_other(other), "theirs")

    assert decrypt(CONTEXT, theirs) == "theirs", "although this container has the old key still"
    assert other.decrypt(in_other(other), encrypt(CONTEXT, "ours")) == "ours"


def test_an_older_key_that_came_back_by_a_restore_is_used(other: ModuleType) -> None:
    first = encrypt(CONTEXT, "first")
    old = data_keys.find_wrapped_key("acme")
    without_key()
    encrypt(CONTEXT, "second")
    without_key()
    assert old
    data_keys.keep_wrapped_key("acme", old)

    encrypted = encrypt(CONTEXT, "third")

    assert [other.decrypt(in_other(other), text) for text in (first, encrypted)] == ["first", "third"]


def test_what_was_made_with_a_key_that_is_gone_does_not_open(other: ModuleType) -> None:
    encrypted = encrypt(CONTEXT, "before")
    without_key()
    with pytest.raises(other.DecryptionFailed):
        other.decrypt(in_other(other), encrypted)
    encrypt(CONTEXT, "after")
    with pytest.raises(other.DecryptionFailed):
        other.decrypt(in_other(other), encrypted)


def test_an_erased_tenant_that_comes_back_can_be_read_by_every_container(
    aws: dict[str, Any], endpoint: Receiver
) -> None:
    connected(f"{endpoint.url}/before", headers={"Authorization": "Bearer before"})
    erase(Account(clients.dynamodb(), clients.s3(), clients.kms(), aws), "acme", really=True)

    integration_id = connected(f"{endpoint.url}/after", headers={"Authorization": "Bearer after"})
    encryption.forget()  # another container

    assert call("POST", f"/integrations/{integration_id}/test").data["status"] == "healthy"
    assert endpoint.received[0].headers["authorization"] == "Bearer after"


def test_the_table_is_asked_once_for_all_fields_of_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = data_keys.find_wrapped_key
    monkeypatch.setattr(encryption.data_keys, "find_wrapped_key", lambda tenant: asked.append(tenant) or real(tenant))
    encrypt(CONTEXT, "makes the key")
    asked.clear()

    encrypted = encryption.encrypt_fields("acme", "int_1", 3, {"url": "u", "headers": "h"})

    assert asked == ["acme"]
    assert decrypt(CONTEXT, encrypted["headers"]) == "h"
