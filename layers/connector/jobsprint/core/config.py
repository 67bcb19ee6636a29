"""The only reader of the environment."""

import os
import re
from dataclasses import dataclass
from functools import cache

DEFAULT_ZAPIER_MCP_URL = "https://mcp.zapier.com/api/v1/connect"
DEFAULT_RETRY_SCHEDULE = "0,5,300,1800,7200,18000,36000,50400,72000,86400"


@dataclass(frozen=True)
class Settings:
    """What the template sets for every function."""

    aws_endpoint: str | None
    tenants_table: str
    requests_table: str
    limits_table: str
    logs_table: str
    events_table: str
    tokens_table: str
    audit_table: str
    audit_bucket: str
    audit_key_id: str
    audit_retention_days: int
    delivery_queue_url: str
    health_queue_url: str
    execution_queue_url: str
    refused_queue_url: str
    recovery_queue_url: str
    data_key_id: str
    tenant_rate: float
    tenant_burst: int
    catalog_bucket: str
    catalog_source_url: str
    zapier_client_id: str
    allow_private_targets: bool
    allow_loopback_targets: bool
    retry_schedule: tuple[int, ...]
    log_retention_days: int
    max_webhooks: int
    max_integrations: int
    max_event_types: int
    poll_concurrency: int
    redirect_origins: tuple[str, ...]
    mcp_origins: tuple[str, ...]
    portal_origins: tuple[str, ...]
    execution_seconds: int
    cors_origin: str
    icon_base_url: str
    version: str
    stage: str
    zapier_mcp_url: str


def _origins(text: str) -> tuple[str, ...]:
    listed = (origin.strip().rstrip("/").lower() for origin in text.split(","))
    return tuple(origin for origin in listed if origin)


def cursor_key() -> bytes:
    """The key of the MACs in cursors. Raises KeyError in a function that makes none: it does not have the key."""
    return os.environ["CURSOR_KEY"].encode()


@cache
def settings() -> Settings:
    """The settings of this container; a missing name raises KeyError at first use, not at import.

    An empty text counts as none: SAM CLI gives it for a number's parameter that nobody has set.
    """
    env = os.environ
    return Settings(
        aws_endpoint=env.get("AWS_ENDPOINT") or None,
        tenants_table=env["TENANTS_TABLE"],
        requests_table=env["REQUESTS_TABLE"],
        limits_table=env["LIMITS_TABLE"],
        logs_table=env["LOGS_TABLE"],
        events_table=env["EVENTS_TABLE"],
        tokens_table=env["TOKENS_TABLE"],
        audit_table=env["AUDIT_TABLE"],
        audit_bucket=env.get("AUDIT_BUCKET", ""),
        audit_key_id=env.get("AUDIT_KEY_ID", ""),
        audit_retention_days=int(env.get("AUDIT_RETENTION_DAYS") or 400),
        delivery_queue_url=env["DELIVERY_QUEUE_URL"],
        health_queue_url=env["HEALTH_QUEUE_URL"],
        execution_queue_url=env["EXECUTION_QUEUE_URL"],
        refused_queue_url=env["REFUSED_QUEUE_URL"],
        recovery_queue_url=env["RECOVERY_QUEUE_URL"],
        data_key_id=env["DATA_KEY_ID"],
        tenant_rate=float(env.get("TENANT_RATE") or 100),
        tenant_burst=int(env.get("TENANT_BURST") or 200),
        catalog_bucket=env["CATALOG_BUCKET"],
        catalog_source_url=env.get("CATALOG_SOURCE_URL") or "https://api.zapier.com/v2/apps",
        zapier_client_id=env.get("ZAPIER_CLIENT_ID", ""),
        allow_private_targets=env.get("ALLOW_PRIVATE_TARGETS") == "true",
        allow_loopback_targets=env.get("ALLOW_LOOPBACK_TARGETS") == "true",
        retry_schedule=tuple(int(step) for step in (env.get("RETRY_SCHEDULE") or DEFAULT_RETRY_SCHEDULE).split(",")),
        log_retention_days=int(env.get("LOG_RETENTION_DAYS") or 30),
        max_webhooks=int(env.get("MAX_WEBHOOKS") or 100),
        max_integrations=int(env.get("MAX_INTEGRATIONS") or 1000),
        max_event_types=int(env.get("MAX_EVENT_TYPES") or 500),
        poll_concurrency=int(env.get("POLL_CONCURRENCY") or 100),
        redirect_origins=_origins(env.get("REDIRECT_ORIGINS", "")),
        mcp_origins=_origins(env.get("MCP_ORIGINS", "")),
        portal_origins=_origins(env.get("PORTAL_ORIGINS", "")),
        execution_seconds=int(env.get("EXECUTION_SECONDS") or 300),
        cors_origin=env.get("CORS_ORIGIN") or "*",
        icon_base_url=env.get("ICON_BASE_URL", "https://cdn.jobsprint.io/icons"),
        version=env.get("SERVICE_VERSION", "dev"),
        stage=env.get("STAGE", "dev"),
        zapier_mcp_url=env.get("ZAPIER_MCP_URL") or DEFAULT_ZAPIER_MCP_URL,
    )


def xray_trace_header() -> str | None:
    """X-Ray's header for the running invocation, which Lambda sets before each; None outside Lambda."""
    return os.environ.get("_X_AMZN_TRACE_ID")


def function_name() -> str | None:
    """`ListIntegrations` of the local stack's `jobsprint-ListIntegrationsFunction-1A2B3C`; None in AWS.

    There the log stream's name says it, and each byte of a log line is paid for.
    """
    if os.environ.get("STAGE") != "local":
        return None
    found = re.search(r"-(\w+)Function-", os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
    return found and found[1]
