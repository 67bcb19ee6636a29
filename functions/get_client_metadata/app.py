"""GET /oauth/client-metadata.json: who we are towards authorization servers."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.domain.errors import NotAvailableYet

app = Endpoint(scope=None)


@app.get("/oauth/client-metadata.json", include_in_schema=False)
def get_client_metadata() -> None:
    """Raises NotAvailableYet."""
    raise NotAvailableYet("OAuth connections are not available yet")


handler = app.resolve
