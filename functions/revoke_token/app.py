"""DELETE /tokens/{tokenId}: revoke a token and those it made."""

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, Deleted, deleted
from jobsprint.api.schemas.tokens import TokenId
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import MANAGE_TOKENS
from jobsprint.security import api_tokens

app = Endpoint(scope=MANAGE_TOKENS, portal="agents", audited="token.revoke")


@app.delete("/tokens/<tokenId>", summary="Revoke token", tags=["Tokens"])
def revoke_token(tokenId: TokenId) -> Data[Deleted]:
    """Any token of the tenant, also the one of this request; a session of the portal those that it made itself. They
    are refused within 60 seconds; a second time is the same."""
    api_tokens.revoke(tokenId, now_ms(), tenant=app.caller.tenant, parent=app.caller.session_id)
    return deleted(tokenId)


handler = app.resolve
