"""The part of a cold start that our own code takes."""

from tests.support.imports import imported

# What every endpoint needs of other projects; our own code may take as long again.
_LIBRARIES = ("aws_lambda_powertools.event_handler", "boto3", "pydantic")


def test_our_own_code_takes_no_longer_than_the_libraries() -> None:
    def seconds(*names: str) -> float:
        return min(imported(*names)[0] for _ in range(3))

    assert seconds("functions.list_integrations.app") <= 2 * seconds(*_LIBRARIES)
