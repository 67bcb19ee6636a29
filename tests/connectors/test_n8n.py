"""What `tests/contract/test_n8n.py` says of recorded conversations, of a real n8n."""

from tests.contract.test_n8n import *  # noqa: F403 - the same tests
