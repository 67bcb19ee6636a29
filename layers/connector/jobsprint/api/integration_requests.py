"""What the operations on integrations take. Class names are unique: they name OpenAPI components."""

from pydantic import BaseModel, ConfigDict

from jobsprint.connectors.fields import Configuration, Description, Name


class IntegrationChange(BaseModel):
    """What to change of an integration; a null in `configuration` removes that name."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration | None = None
