"""Loading the catalogue: the function that the schedule calls, invoked now, locally or in AWS."""

from tools.local.tokens import Clients

_SOURCES = {"zapier": "Zapier's list and the built-in one", "builtin": "the built-in list"}


def load(clients: Clients) -> str:
    """Have the catalogue brought up to date, and say in a sentence what came of it.

    With a client id this takes a minute per 5,500 applications (Zapier allows 60 requests a minute), else a second.
    """
    result = clients.invoke("RefreshCatalogFunction", {}, "catalogue function")
    state = "published now" if result["published"] else "as published before"
    return f"{result['applications']:,} applications from {_SOURCES[result['source']]}, {state}"
