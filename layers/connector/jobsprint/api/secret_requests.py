"""What rotating a webhook's secret takes. Class names are unique: they name OpenAPI components."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from jobsprint.connectors.fields import Secret
from jobsprint.domain import rules
from jobsprint.domain.errors import InvalidFields


class SecretRotation(BaseModel):
    """A new signing secret; what was the newest signs too until the overlap has passed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlapSeconds: Annotated[
        int | None,
        Field(
            ge=0,
            le=rules.MAX_OVERLAP_SECONDS,
            description=f"How long the old secret signs too; {rules.OVERLAP_SECONDS} by default",
        ),
    ] = None
    revokeNow: Annotated[bool, Field(description="Ends every old secret at once, like an overlap of 0")] = False
    secret: Annotated[Secret | None, Field(description="The new secret; without one it is made")] = None

    def overlap(self) -> int:
        """The overlap in seconds. Raises InvalidFields where the two fields contradict each other."""
        if self.revokeNow and self.overlapSeconds:
            raise InvalidFields.one("body.revokeNow", "it leaves no overlap: send this or overlapSeconds")
        if self.revokeNow:
            return 0
        return rules.OVERLAP_SECONDS if self.overlapSeconds is None else self.overlapSeconds
