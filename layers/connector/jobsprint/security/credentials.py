"""What a connection must keep secret - its URL, header values and signing secrets - sealed onto its item.

URLs are sealed whole because many carry a token; what may be shown stands beside them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jobsprint.domain.models import Integration
from jobsprint.domain.redact import shown_url, url_secrets
from jobsprint.security.vault import Place, open_sealed, seal


@dataclass(frozen=True, slots=True)
class Credentials:
    """The clear text: header values by name, signing secrets newest first, and a connector's own keys by name."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> tuple[str, ...]:
        """Every secret value, for masking what comes back from a call."""
        return (*self.headers.values(), *self.secrets, *self.keys.values(), *url_secrets(self.url))


def seal_credentials(integration: Integration, credentials: Credentials) -> Integration:
    """The integration with these credentials sealed under its next version, and what of them may be shown."""
    version = integration.sealed_version + 1
    texts = {
        "url": credentials.url,
        "headers": json.dumps(dict(credentials.headers)),
        "secrets": json.dumps(credentials.secrets),
        "keys": json.dumps(dict(credentials.keys)),
    }
    return replace(
        integration,
        sealed={
            name: seal(Place(integration.tenant, integration.id, name, version), text) for name, text in texts.items()
        },
        sealed_version=version,
        shown_url=shown_url(credentials.url),
        header_names=tuple(credentials.headers),
        signed=bool(credentials.secrets),
    )


def open_credentials(integration: Integration) -> Credentials:
    """The clear credentials of an integration; empty ones after a disconnect wiped them."""
    if not integration.sealed:
        return Credentials()

    def opened(name: str) -> str:
        place = Place(integration.tenant, integration.id, name, integration.sealed_version)
        return open_sealed(place, integration.sealed[name])

    return Credentials(
        url=opened("url"),
        headers=json.loads(opened("headers")),
        secrets=tuple(json.loads(opened("secrets"))),
        keys=json.loads(opened("keys")),
    )


def wiped(integration: Integration) -> Integration:
    """The integration without its credentials; what may be shown of them stays."""
    return replace(integration, sealed={})
