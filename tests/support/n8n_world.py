"""The n8n that the tests talk to: recorded, where what is done to it has happened already, or real."""

from tests.support.conversations import Conversation

HOOK_SECRET = "hook-s3cret-value"
BASIC_SECRET = "basic-s3cret-pw"
JWT_SECRET = "jwt-s3cret-key-of-32-characters!"
KEYS = {
    "full": ["workflow:list", "workflow:read", "execution:list", "execution:read"],
    "lists": ["workflow:list"],
    "none": ["tag:list"],
}


class World:
    """An n8n with the workflows of `tests/connectors/conftest.py`, as a tenant knows it."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation

    @property
    def url(self) -> str:
        """The base URL to connect to."""
        return self.conversation.url

    def key(self, name: str = "full") -> str:
        """An API key with the scopes of that name in `KEYS`."""
        return f"n8n-key-{name}"

    def mcp_token(self) -> str:
        """A token for n8n's MCP server."""
        return "n8n-mcp-token-1234"

    def deactivate(self, workflow: str) -> None:
        """Takes a workflow offline."""

    def move(self, workflow: str, **parameters: str) -> None:
        """Gives a workflow's trigger another `path` or `httpMethod`, live."""

    def add(self, workflow: str) -> None:
        """Makes another workflow of this name, live."""

    def revoke(self, key: str) -> None:
        """Deletes an API key."""
