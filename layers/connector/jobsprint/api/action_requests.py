"""What running an action takes. Class names are unique: they name OpenAPI components."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ActionRequest(BaseModel):
    """The parameters of an action; the capability's schema says which."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: dict[str, Any] = Field(default_factory=dict)
