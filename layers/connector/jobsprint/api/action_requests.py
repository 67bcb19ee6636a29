"""What running an action takes. Class names are unique: they name OpenAPI components."""

from typing import Any

from msgspec import field

from jobsprint.domain.inputs import Input


class ActionRequest(Input, frozen=True):
    """The parameters of an action; the capability's schema says which."""

    parameters: dict[str, Any] = field(default_factory=dict)
