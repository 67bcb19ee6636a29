"""What each kind of failed delivery attempt and each warning means, and what helps, as texts for people.

The kinds are those of `outbound.client.TransferFailure`, `http_3xx` and the like, `worker_died`, and `reported` by a
client of a polling endpoint. A kind may name its class after a colon (`blocked_address: link_local`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """One sentence on what happened, and one on what to do."""

    explanation: str
    next_step: str


_MEANINGS = {
    "dns": Meaning("The host name of the URL has no address", "Check the host name of the URL and its records in DNS"),
    "blocked_address": Meaning(
        "The host leads to an address that this service does not call",
        "Use a public address, or ask the operator to allow private ones",
    ),
    "blocked_port": Meaning("The port of the URL is not allowed", "Use port 443, or one from 1024 on"),
    "plain_http": Meaning("The URL is plain http, which is not allowed here", "Use an https URL"),
    "malformed_url": Meaning("The URL cannot be read", "Change the webhook to a valid URL"),
    "connect": Meaning(
        "No connection could be made: it was refused, or nobody answered",
        "Start the server, and check host, port and firewall",
    ),
    "tls": Meaning(
        "The connection could not be secured: the server's certificate or its TLS version is not accepted",
        "Check that the certificate is valid for this host name and sent with its whole chain",
    ),
    "timeout_connect": Meaning(
        "No connection came about in time", "Check that the server is up and that its firewall lets this service in"
    ),
    "timeout_tls": Meaning(
        "The connection could not be secured in time", "Check what ends TLS in front of the server, and its load"
    ),
    "timeout_headers": Meaning(
        "The request was sent, and no complete answer began in time",
        "Answer first with a 2xx status, and work on the event afterwards",
    ),
    "timeout_body": Meaning(
        "The answer began and did not end in time", "Send a short answer, and end it: nothing of it is needed"
    ),
    "headers_too_large": Meaning("The head of the answer was longer than what is read of one", "Send fewer headers"),
    "reset": Meaning(
        "The connection ended before the answer was complete",
        "Look for a crash or a proxy that closes connections; the event may have been seen",
    ),
    "protocol": Meaning("The answer is no valid HTTP", "Check that the URL leads to an HTTP server"),
    "http_3xx": Meaning(
        "The endpoint redirects, and redirects are never followed", "Change the URL to where it redirects to"
    ),
    "http_4xx": Meaning(
        "The endpoint refused the request",
        "Check path, credentials and signature check of the endpoint; 410 disables the webhook",
    ),
    "http_5xx": Meaning("The endpoint failed", "Look into the endpoint's own logs"),
    "worker_died": Meaning(
        "The sending process ended before it wrote down what happened; the event may have been seen",
        "Check whether the endpoint saw the event: every request for it has the same webhook-id",
    ),
    "reported": Meaning("The client that polled for the event reported a failure", "Look into the logs of that client"),
}
_WARNINGS = {
    "body_too_large": Meaning(
        "Delivered; the answer was longer than what is read of one", "Send a short answer, or none"
    ),
    "timeout_body": Meaning(
        "Delivered; the body of the answer did not end in time",
        "Send a short answer, and end it: nothing of it is needed",
    ),
    "reset": Meaning(
        "Delivered; the connection ended before the body of the answer was complete",
        "Look for a Content-Length that is too large, or a proxy that closes connections",
    ),
    "protocol": Meaning(
        "Delivered; the body of the answer could not be read",
        "Check Content-Encoding and Transfer-Encoding of the answer",
    ),
}
_UNKNOWN_WARNING = Meaning("Delivered; something was wrong with the body of the answer", "Send a short answer, or none")
_AFTERWARDS = {
    "pending": "; the event is sent again",
    "retrying": "; the event is sent again",
    "exhausted": "; then resend the delivery",
    "discarded": "; then resend the delivery",
}
_UNKNOWN = Meaning("The attempt failed", "See what the endpoint logged at that time")


def kind_of(failure: str) -> str:
    """The kind without its class: `blocked_address` of `blocked_address: link_local`."""
    return failure.partition(":")[0].strip()


def meaning(failure: str) -> Meaning:
    """What a failure means; a kind that is not listed gets a general text."""
    return _MEANINGS.get(kind_of(failure), _UNKNOWN)


def explained(failure: str | None, warning: str | None, state: str) -> Meaning | None:
    """What happened in an attempt, and what to do; None where nothing is to be said.

    `state` is that of its delivery now (`domain.deliveries.DeliveryState`). A `warning` is about the body of an answer
    whose head decided.
    """
    if failure:
        what = meaning(failure)
        return Meaning(what.explanation, what.next_step + _AFTERWARDS.get(state, ""))
    return _WARNINGS.get(kind_of(warning), _UNKNOWN_WARNING) if warning else None


def known_kinds() -> frozenset[str]:
    """Every kind that has texts of its own."""
    return frozenset(_MEANINGS)


def known_warnings() -> frozenset[str]:
    """Every warning that has texts of its own."""
    return frozenset(_WARNINGS)
