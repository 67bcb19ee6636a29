"""What the benchmarks deliver, the same in all of them."""

PAYLOAD_BYTES = 700
"""The most bytes of an event's data."""

FILL = 10
"""Deliveries in a batch of the dispatcher, and events in one from the bus."""

BATCH = 25
"""Events in one publish."""
