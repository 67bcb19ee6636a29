"""Bring the published index up to date with the configuration."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from jobsprint.catalog import index, published, zapier
from jobsprint.catalog.builtin import App, builtin
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.config import settings
from jobsprint.outbound import client as outbound


def refresh(client: Callable[[], outbound.Client]) -> JsonObject:
    """Publish the built-in list, with Zapier's where a client id is configured, unless that is what is there.

    Without a client id Zapier is not asked. Raises UpstreamFailed when Zapier's list cannot be had whole; what was
    published stays. The answer says where the list came from, its length, and whether it was published.
    """
    client_id = settings().zapier_client_id
    apps = list(builtin().apps.values())
    if client_id:
        apps = zapier.merged(builtin(), zapier.fetched(client(), settings().catalog_source_url, client_id))
    digest = _digest(apps)
    changed = digest != published.digest()
    if changed:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "index.sqlite"
            index.build(apps, builtin().synonyms, path=file, digest=digest).close()
            published.publish(file, digest)
    return {"source": "zapier" if client_id else "builtin", "applications": len(apps), "published": changed}


def _digest(apps: list[App]) -> str:
    made_of = [index.FORMAT, {name: list(others) for name, others in builtin().synonyms.items()}, *map(asdict, apps)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
