"""The stock Standard Webhooks library verifies our headers with no more than the secret."""

import base64
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobsprint.core.canonical_json import dumps
from jobsprint.security import signing

DATA = dumps({"1": 100.0, "größe": ["\u2028", "\U0001f600", None], "small": 1e-7})
MADE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
PLAIN_SECRETS = ["your_secret", "pässwörter €", "x" * 128, "QUJDQUJD"]


def delivery(*secrets: str, age_seconds: int = 0) -> tuple[bytes, dict[str, str]]:
    """A body and its headers, as sent to a webhook with these secrets, newest first."""
    body = signing.signed_body("workflow.executed", "2025-01-06T12:00:00.000Z", DATA, secrets[0])
    now = int(time.time()) - age_seconds
    return body, signing.headers(message_id="evt_01jgx", body=body, unix_time=now, secrets=secrets)


def library_for(secret: str) -> Webhook:
    """As the guide tells a receiver: the secret itself, or base64 of one that has no `whsec_`."""
    return Webhook(secret if secret.startswith("whsec_") else base64.b64encode(secret.encode()).decode())


@pytest.mark.parametrize("secret", [MADE_SECRET, "whsec_QQ==", *PLAIN_SECRETS])
def test_the_library_verifies_with_the_secret_alone(secret: str) -> None:
    body, headers = delivery(secret)
    assert library_for(secret).verify(body, headers)["event"] == "workflow.executed"


@pytest.mark.parametrize("older", [MADE_SECRET, *PLAIN_SECRETS])
def test_either_secret_verifies_while_a_rotation_overlaps(older: str) -> None:
    newest = signing.generate_secret()
    body, headers = delivery(newest, older)
    library_for(newest).verify(body, headers)
    library_for(older).verify(body, headers)


def test_a_changed_body_id_or_time_is_refused() -> None:
    secret = signing.generate_secret()
    body, headers = delivery(secret)
    with pytest.raises(WebhookVerificationError):
        library_for(secret).verify(body.replace(b"100", b"101"), headers)
    with pytest.raises(WebhookVerificationError):
        library_for(secret).verify(body, headers | {"webhook-id": "evt_other"})
    with pytest.raises(WebhookVerificationError):
        library_for(secret).verify(body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})


def test_a_secret_that_is_not_valid_any_more_is_refused() -> None:
    body, headers = delivery(signing.generate_secret(), signing.generate_secret())
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        library_for(signing.generate_secret()).verify(body, headers)


def test_an_old_attempt_is_refused_so_each_attempt_must_be_signed_again() -> None:
    secret = signing.generate_secret()
    body, headers = delivery(secret, age_seconds=301)
    with pytest.raises(WebhookVerificationError, match="too old"):
        library_for(secret).verify(body, headers)
