"""`make smoke` on the local stack: it passes, says each check, and leaves its tenant empty."""

from tests.e2e.api import Api
from tests.e2e.local_stack import Stack, command


def test_a_sound_stack_passes(stack: Stack) -> None:
    ended = command(stack.home, "smoke")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("  ok ") == 9
    assert "All passed" in ended.stdout
    api = Api.of(stack, tenant="smoke")
    assert api.data("GET", "/integrations") == []
    assert api.data("GET", "/integrations/webhooks") == []
