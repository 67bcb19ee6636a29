"""Requests and answers of the operations of polling endpoints."""

from typing import Annotated, Literal

from pydantic import Field

from jobsprint.api.schemas.common import Problem
from jobsprint.core.clock import iso_millis
from jobsprint.core.errors import JobsprintError, NotFound
from jobsprint.core.models import RequestModel, ResponseModel, Time
from jobsprint.delivery import polling
from jobsprint.delivery.attempt import Report
from jobsprint.delivery.polling import Acknowledgement, Message
from jobsprint.domain.deliveries import DeliveryRow, DeliveryState

MAX_REPORTED = 2048


class PolledMessage(ResponseModel):
    """A message that is handed out: what an endpoint would get in a request, and the lease to acknowledge it under."""

    delivery_id: Annotated[str, Field(description="`dlv_…`")]
    event_id: Annotated[str, Field(description="`evt_…`; also the `webhook-id`, the same each time it is handed out")]
    event: Annotated[str, Field(description="The event's name")]
    attempt: Annotated[int, Field(description="The number of this attempt, from 1")]
    lease_token: Annotated[str, Field(description="Send it back to acknowledge the message")]
    lease_until: Annotated[Time, Field(description="When the message is handed out again, unless acknowledged")]
    headers: Annotated[dict[str, str], Field(description="The headers of a delivery, with all signatures")]
    body: Annotated[str, Field(description="The exact body of a delivery, which the signatures cover, in UTF-8")]

    @classmethod
    def of(cls, message: Message) -> "PolledMessage":
        """A message as it is handed out."""
        task = message.due.task
        return cls(
            delivery_id=task.delivery_id,
            event_id=task.event_id,
            event=task.event,
            attempt=task.attempt,
            lease_token=message.lease,
            lease_until=iso_millis(message.lease_until),
            headers=message.headers,
            body=message.body,
        )


class PolledMessages(ResponseModel):
    """The messages that a poll got, in the order of publishing."""

    messages: Annotated[list[PolledMessage], Field(description="None where no message came in time")]

    @classmethod
    def of(cls, messages: list[Message]) -> "PolledMessages":
        """The outcome of a poll."""
        return cls(messages=[PolledMessage.of(message) for message in messages])


class MessageReport(RequestModel):
    """How one message was handled; as an attempt it joins those of its delivery."""

    delivery_id: Annotated[str, Field(min_length=1, max_length=100, description="The message's `deliveryId`")]
    lease_token: Annotated[str, Field(min_length=1, max_length=100, description="The message's `leaseToken`")]
    status: Annotated[
        Literal["success", "error"],
        Field(description="`error`: it is handed out again by the webhook's retry schedule"),
    ]
    status_code: Annotated[
        Annotated[int, Field(ge=100, le=599)] | None,
        Field(description="The HTTP status that a receiver answered with, where the message was forwarded to one"),
    ] = None
    message: Annotated[
        Annotated[str, Field(max_length=MAX_REPORTED)] | None,
        Field(description="A few words on the outcome, kept with the attempt"),
    ] = None

    def acknowledgement(self) -> Acknowledgement:
        """The report as the service takes it."""
        return Acknowledgement(self.delivery_id, self.lease_token, Report(self.status, self.status_code, self.message))


class Acknowledge(RequestModel):
    """Reports on messages that a poll got."""

    messages: Annotated[
        list[MessageReport],
        Field(min_length=1, max_length=polling.MAX_MESSAGES, description="A report for each message"),
    ]

    def acknowledgements(self) -> list[Acknowledgement]:
        """The reports as the service takes them."""
        return [message.acknowledgement() for message in self.messages]


class AcknowledgedMessage(ResponseModel):
    """The result of one report."""

    delivery_id: Annotated[str, Field(description="The report's `deliveryId`")]
    status: Annotated[
        Literal[200, 404, 409],
        Field(
            description="200: recorded, now or before. 404: there is no such delivery. "
            "409: the lease has ended, and it was handed out again or ended otherwise"
        ),
    ]
    state: Annotated[DeliveryState | None, Field(description="The delivery's state, where recorded")] = None
    next_attempt_at: Annotated[Time | None, Field(description="When the message is handed out again")] = None
    error: Annotated[Problem | None, Field(description="Why it was not recorded")] = None

    @classmethod
    def of(cls, report: MessageReport, outcome: DeliveryRow | JobsprintError) -> "AcknowledgedMessage":
        """The outcome of a report as it is shown."""
        if isinstance(outcome, JobsprintError):
            status: Literal[404, 409] = 404 if isinstance(outcome, NotFound) else 409
            return cls(delivery_id=report.delivery_id, status=status, error=Problem.of(outcome))
        next_at = outcome.delivery.next_attempt_at
        return cls(
            delivery_id=report.delivery_id,
            status=200,
            state=outcome.delivery.state,
            next_attempt_at=None if next_at is None else iso_millis(next_at),
        )


class AcknowledgedMessages(ResponseModel):
    """The result of each report, in their order."""

    messages: Annotated[list[AcknowledgedMessage], Field(description="One for each report")]

    @classmethod
    def of(cls, asked: Acknowledge, outcomes: list[DeliveryRow | JobsprintError]) -> "AcknowledgedMessages":
        """The outcomes of all reports."""
        pairs = zip(asked.messages, outcomes, strict=True)
        return cls(messages=[AcknowledgedMessage.of(report, outcome) for report, outcome in pairs])
