"""GET /health: whether the service answers."""

from typing import Literal

from pydantic import BaseModel

from jobsprint.api.endpoint import Endpoint
from jobsprint.api.envelope import Data
from jobsprint.config import settings

app = Endpoint(scope=None)


class ServiceHealth(BaseModel):
    """A sign of life."""

    status: Literal["ok"] = "ok"
    version: str


@app.get("/health", summary="Health of the service", tags=["Service"])
def get_health() -> Data[ServiceHealth]:
    """Answers without a token."""
    return Data(data=ServiceHealth(version=settings().version))


handler = app.resolve
