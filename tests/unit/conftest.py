"""Unit tests open no socket and know no AWS."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Any attempt to open a socket fails the test."""
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()
