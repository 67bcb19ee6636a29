"""POST /tokens: make a token that is no wider than the caller's own."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.tokens import CreatedToken, TokenCreate
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import MANAGE_TOKENS
from jobsprint.security import api_tokens

# Its answer is not kept for a repeat: of a token nothing is kept but its hash.
app = Endpoint(scope=MANAGE_TOKENS, portal="agents", audited="token.create")


@app.post("/tokens", status_code=201, summary="Create token", tags=["Tokens"])
def create_token(body: Annotated[TokenCreate, Body()]) -> Data[CreatedToken]:
    """For an agent or a program: with some of the caller's scopes, and limited to some actions or to reading. It ends
    with the token that makes it, and can make none itself. The answer shows it, this once."""
    now = now_ms()
    return success(CreatedToken.made(api_tokens.delegate(app.caller, body.wanted(), now=now), now))


handler = app.resolve
