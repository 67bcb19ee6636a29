"""Signing secrets over their life: the valid ones at any time, after any rotations."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.errors import Conflict, InvalidFields
from jobsprint.security import signing
from jobsprint.security.credentials import MAX_RETIRED, Credentials, RetiredSecret, rotated

BODY = b'{"event":"ping"}'
STEPS = st.lists(
    st.tuples(
        st.integers(0, 5000),  # ms since the rotation before
        st.sampled_from([0, 1, 1000, 7000, 604_800_000]),  # overlap in ms
        st.integers(0, 4),  # which secret
    ),
    max_size=14,
)


def signature(secret: str, unix_time: int) -> str:
    """`v1,…` made here, not by the code under test."""
    signed = f"evt_1.{unix_time}.".encode() + BODY
    return "v1," + base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


@given(STEPS, st.integers(0, 80_000))
def test_at_any_time_exactly_the_valid_secrets_sign_newest_first(steps: list[tuple[int, int, int]], later: int) -> None:
    credentials, now = Credentials(secrets=("secret-first",)), 1_736_164_800_000
    newest, ends = "secret-first", dict[str, int]()  # the same rule in another form: each old secret and its end
    order = [newest]
    for wait, overlap, which in steps:
        now += wait
        chosen = f"secret-{which}"
        if chosen == newest:
            with pytest.raises(InvalidFields):
                rotated(credentials, chosen, overlap_ms=overlap, now=now)
            continue
        old = {secret: end for secret, end in {**ends, newest: now + overlap}.items() if secret != chosen}
        if overlap and sum(end > now for end in old.values()) > MAX_RETIRED:
            with pytest.raises(Conflict):
                rotated(credentials, chosen, overlap_ms=overlap, now=now)
            continue
        credentials = rotated(credentials, chosen, overlap_ms=overlap, now=now)
        ends = old if overlap else {}
        newest = chosen
        order = [chosen, *(secret for secret in order if secret != chosen)]
    at = now + later
    expected = [secret for secret in order if secret == newest or ends.get(secret, 0) > at]

    assert list(credentials.valid_secrets(at)) == expected
    made = signing.headers(message_id="evt_1", body=BODY, unix_time=at // 1000, secrets=credentials.valid_secrets(at))
    assert made["webhook-signature"] == " ".join(signature(secret, at // 1000) for secret in expected)
    assert made["X-Jobsprint-Signature"] == "sha256=" + hmac.digest(newest.encode(), BODY, "sha256").hex()
    assert set(expected) <= set(credentials.values())


def test_a_secret_ends_at_its_end_and_not_after_it() -> None:
    credentials = rotated(Credentials(secrets=("first-secret",)), "second-secret", overlap_ms=1000, now=5000)
    assert credentials.valid_secrets(5999) == ("second-secret", "first-secret")
    assert credentials.valid_secrets(6000) == ("second-secret",)


def test_a_rotation_drops_expired_secrets_and_keeps_a_limited_number() -> None:
    credentials = Credentials(secrets=("secret-0",))
    for number in range(1, MAX_RETIRED + 1):
        credentials = rotated(credentials, f"secret-{number}", overlap_ms=1000, now=number)
    with pytest.raises(Conflict) as refused:
        rotated(credentials, "one-more", overlap_ms=1000, now=11)
    assert refused.value.code == "too_many_secrets"
    assert rotated(credentials, "one-more", overlap_ms=0, now=11) == Credentials(secrets=("one-more",))
    after = rotated(credentials, "one-more", overlap_ms=1000, now=1001)
    assert after.retired[0] == RetiredSecret(f"secret-{MAX_RETIRED}", 2001)
    assert len(after.retired) == MAX_RETIRED
    assert "secret-0" not in after.values()
