"""OPTIONS on every path: the CORS preflight."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.cors import preflight_answer


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Answers for the origins in the template's parameter."""
    return preflight_answer(event)
