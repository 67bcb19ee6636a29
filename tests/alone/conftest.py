"""The fixtures of the end-to-end tests, on a machine that does nothing else: these tests measure times."""

from tests.e2e.conftest import api, receiver, stack  # noqa: F401
