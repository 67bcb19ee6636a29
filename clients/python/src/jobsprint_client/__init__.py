"""A client of the Jobsprint Integrations API: connect tools, run their actions, and get signed webhooks."""

from jobsprint_client._call import Retries, __version__
from jobsprint_client._model import OMIT, Model, Omit
from jobsprint_client.client import Client
from jobsprint_client.errors import (
    ApiError,
    ApprovalRequired,
    BadRequest,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidFields,
    InvalidSignature,
    JobsprintError,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ServerError,
    Unauthenticated,
    UpstreamFailed,
    UpstreamTimeout,
)
from jobsprint_client.pages import Page, Pages
from jobsprint_client.webhooks import verify_webhook

__all__ = [
    "OMIT",
    "ApiError",
    "ApprovalRequired",
    "BadRequest",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "InvalidFields",
    "InvalidSignature",
    "JobsprintError",
    "Model",
    "NotFound",
    "Omit",
    "Page",
    "Pages",
    "PayloadTooLarge",
    "RateLimited",
    "Retries",
    "ServerError",
    "Unauthenticated",
    "UpstreamFailed",
    "UpstreamTimeout",
    "__version__",
    "verify_webhook",
]
