"""What the operations on integrations take. Class names are unique: they name OpenAPI components."""

from jobsprint.connectors.fields import Configuration, Description, Name
from jobsprint.domain.inputs import Input


class IntegrationChange(Input, frozen=True, forbid_unknown_fields=False):
    """What to change of an integration; a null in `configuration` removes that name."""

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration | None = None
