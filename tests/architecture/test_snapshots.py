"""What a function has made by the end of its init is what SnapStart copies into every container that starts from it."""

import json
import os
import subprocess
import sys

from tests.architecture.test_template import FROM_SNAPSHOTS
from tests.support.template import ROOT, import_path

_INIT = """
import importlib, json, os
for folder in json.loads(os.environ["FOLDERS"]):
    importlib.import_module(f"functions.{folder}.app")
from jobsprint.delivery import admission
from jobsprint.security import encryption
sockets = [fd for fd in os.listdir("/proc/self/fd") if _link(fd).startswith("socket:")]
states = len(admission.open_breakers) + len(admission.rate_limiters)
print(json.dumps({"keys": len(encryption._keys), "states": states, "sockets": sockets}))
"""
_LINK = """
import os
def _link(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""
"""


def test_no_key_connection_or_state_of_a_tenant_is_in_a_snapshot() -> None:
    env = {"FOLDERS": json.dumps(sorted(FROM_SNAPSHOTS)), "PYTHONPATH": os.pathsep.join(import_path())}
    done = subprocess.run(
        [sys.executable, "-c", _LINK + _INIT], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {"keys": 0, "states": 0, "sockets": []}
