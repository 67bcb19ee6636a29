"""Scheduled, every minute: seals the audit records into their chains, and signs and keeps the new heads."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.audit import sealer


def handler(_event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """Seal what is pending and return how many records that were."""
    return {"sealed": sealer.seal().records}
