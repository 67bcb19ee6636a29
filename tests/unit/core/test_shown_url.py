"""URLs are shown without their credentials, and these are known for masking."""

import pytest

from jobsprint.core.redaction import MASK
from jobsprint.core.shown_url import shown_url, url_secrets


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
        # names are judged as a server reads them
        ("https://a.example/h?access%5Ftoken=abc&x=1", f"https://a.example/h?access%5Ftoken={MASK}&x=1"),
        ("https://a.example/h?%61pi%5fkey=abc", f"https://a.example/h?%61pi%5fkey={MASK}"),
        ("https://a.example/h?access%255Ftoken=abc", f"https://a.example/h?access%255Ftoken={MASK}"),
        ("https://a.example/h?auth%5Btoken%5D=abc", f"https://a.example/h?auth%5Btoken%5D={MASK}"),
        ("https://a.example/h?x=1;api+key=abc;y=2", f"https://a.example/h?x=1;api+key={MASK};y=2"),
        ("https://a.example/h?code=abc&key=d&sig=e", f"https://a.example/h?code={MASK}&key={MASK}&sig={MASK}"),
        ("https://a.example/h?keyboard=abc&page=2", "https://a.example/h?keyboard=abc&page=2"),
        ("https://a.example/h;jsessionid=abc/x", f"https://a.example/h;jsessionid={MASK}/x"),
        ("https://a.example/%30123456789abcdefghij/x", f"https://a.example/{MASK}/x"),
        # hooks, whose address is the credential
        (
            "https://hooks.slack.com/services/T01ABC/B02DEF/abcdefghijklmnopqrstuvwx",
            f"https://hooks.slack.com/services/{MASK}/{MASK}/{MASK}",
        ),
        ("https://hooks.slack.com/triggers/T01/123/abcdef", f"https://hooks.slack.com/triggers/{MASK}/{MASK}/{MASK}"),
        ("https://hooks.zapier.com/hooks/catch/12345/abcde/", f"https://hooks.zapier.com/hooks/catch/{MASK}/{MASK}/"),
        ("https://mcp.zapier.com/api/mcp/s/abcdef/mcp", f"https://mcp.zapier.com/api/mcp/s/{MASK}/mcp"),
        (
            "https://maker.ifttt.com/trigger/door_opened/with/key/dAbcDefGh",
            f"https://maker.ifttt.com/trigger/door_opened/with/key/{MASK}",
        ),
        (
            "https://maker.ifttt.com/trigger/door/json/with/key/dAbcDefGh",
            f"https://maker.ifttt.com/trigger/door/json/with/key/{MASK}",
        ),
        (
            "https://acme.webhook.office.com/webhookb2/1a-2b@3c-4d/IncomingWebhook/5e6f/7a-8b",
            f"https://acme.webhook.office.com/webhookb2/{MASK}/IncomingWebhook/{MASK}/{MASK}",
        ),
        (
            "https://outlook.office365.com/webhook/1a-2b@3c-4d/IncomingWebhook/5e6f/7a-8b",
            f"https://outlook.office365.com/webhook/{MASK}/IncomingWebhook/{MASK}/{MASK}",
        ),
        (
            "https://prod-1.westus.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke?api-version=1&sig=x",
            f"https://prod-1.westus.logic.azure.com:443/workflows/{MASK}/triggers/manual/paths/invoke?api-version=1&sig={MASK}",
        ),
        ("https://discord.com/api/webhooks/1234/abcd-ef", f"https://discord.com/api/webhooks/{MASK}/{MASK}"),
        ("https://hook.eu1.make.com/abcdefghijk", f"https://hook.eu1.make.com/{MASK}"),
        ("https://chat.example/hooks/abc123def456ghi7", f"https://chat.example/hooks/{MASK}"),
        ("https://n8n.example/webhook/f3a1b2c9", f"https://n8n.example/webhook/{MASK}"),
        ("https://n8n.example/webhook/orders/v2", "https://n8n.example/webhook/orders/v2"),
        ("https://a.example/webhooks/orders2024/new", "https://a.example/webhooks/orders2024/new"),
    ],
)
def test_a_url_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_the_secrets_of_a_url_are_known_in_both_spellings() -> None:
    found = url_secrets("https://a.example/0123456789abcdefghijklmn/x?token=a%2Fb%3D&n=1")

    assert set(found) == {"0123456789abcdefghijklmn", "a%2Fb%3D", "a/b="}


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://hooks.slack.com/services/T01/B02/abcdefghijklmnopqrstuvwx", {"abcdefghijklmnopqrstuvwx"}),
        ("https://hooks.zapier.com/hooks/catch/123456/abcde1/", {"abcde1"}),
        ("https://a.example/h?access%5Ftoken=a%2Bb&n=1", {"a%2Bb", "a+b"}),
        ("https://a.example/h;sid=abcd/x#fragment-1", {"abcd", "fragment-1"}),
        ("https://a.example/webhook?page=2", set()),
    ],
)
def test_what_is_masked_in_a_url_is_looked_for_in_answers(url: str, secrets: set[str]) -> None:
    assert set(url_secrets(url)) == secrets
