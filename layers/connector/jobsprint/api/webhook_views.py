"""What the operations on webhooks show."""

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.domain.inputs import Described
from jobsprint.domain.models import Integration
from jobsprint.domain.redact import MASK
from jobsprint.domain.times import iso_seconds

if TYPE_CHECKING:
    from jobsprint.integrations.webhooks import Rotated  # brings the vault, which most operations never need


class WebhookView(TypedDict):
    """A webhook; its secret stands only in the answer to its creation."""

    id: str
    name: str
    url: str
    events: list[str]
    headers: NotRequired[dict[str, str] | None]
    secret: NotRequired[str | None]
    active: bool
    disabledReason: NotRequired[str | None]
    retrySchedule: NotRequired[list[int] | None]
    rateLimit: NotRequired[int | None]
    filter: NotRequired[dict[str, Any] | None]
    createdAt: str


class PreviousSecret(TypedDict):
    """A secret that signs too for a while."""

    expiresAt: str


class RotatedSecret(TypedDict):
    """A webhook's new signing secret, shown this once, and the old ones that still sign, newest first."""

    id: str
    secret: str
    overlapUntil: NotRequired[Annotated[str | None, Described("When the secret before this one ends")]]
    previousSecrets: list[PreviousSecret]


def webhook_view(webhook: Integration, *, secret: str | None = None) -> WebhookView:
    """As the seed shows it. What looks like a credential in the URL is masked, header values always are."""
    policy = webhook.policy
    return without_absent(
        WebhookView(
            id=webhook.id,
            name=webhook.name,
            url=webhook.shown_url,
            events=list(webhook.events),
            headers=dict.fromkeys(webhook.header_names, MASK) or None,
            secret=secret,
            active=webhook.status == "connected",
            disabledReason=webhook.status_reason,
            retrySchedule=None if policy.retry_schedule is None else list(policy.retry_schedule),
            rateLimit=policy.rate_limit,
            filter=policy.filter,
            createdAt=iso_seconds(webhook.created_at),
        )
    )


def rotated_secret(rotated: "Rotated") -> RotatedSecret:
    """As it is answered."""
    ends = [iso_seconds(end) for end in rotated.ends]
    return without_absent(
        RotatedSecret(
            id=rotated.webhook.id,
            secret=rotated.secret,
            overlapUntil=ends[0] if ends else None,
            previousSecrets=[PreviousSecret(expiresAt=end) for end in ends],
        )
    )
