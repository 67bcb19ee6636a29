"""What rotating a webhook's secret takes. Class names are unique: they name OpenAPI components."""

from typing import Annotated

from jobsprint.connectors.fields import Secret
from jobsprint.domain import rules
from jobsprint.domain.errors import InvalidFields
from jobsprint.domain.inputs import Between, Described, Input


class SecretRotation(Input, frozen=True):
    """A new signing secret; what was the newest signs too until the overlap has passed."""

    overlapSeconds: Annotated[
        Annotated[int, Between(0, rules.MAX_OVERLAP_SECONDS)] | None,
        Described(f"How long the old secret signs too; {rules.OVERLAP_SECONDS} by default"),
    ] = None
    revokeNow: Annotated[bool, Described("Ends every old secret at once, like an overlap of 0")] = False
    secret: Annotated[Secret | None, Described("The new secret; without one it is made")] = None

    def overlap(self) -> int:
        """The overlap in seconds. Raises InvalidFields where the two fields contradict each other."""
        if self.revokeNow and self.overlapSeconds:
            raise InvalidFields.one("body.revokeNow", "it leaves no overlap: send this or overlapSeconds")
        if self.revokeNow:
            return 0
        return rules.OVERLAP_SECONDS if self.overlapSeconds is None else self.overlapSeconds
