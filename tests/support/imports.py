"""Modules imported in a fresh process, as in a cold start."""

import json
import os
import subprocess
import sys

from tests.support.template import ROOT, environment, import_path

_MEASURE = """
import importlib, json, sys, time
before = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
seconds = time.process_time() - before
aws = sys.modules.get("jobsprint.core.aws")
own = [one for one in vars(aws).values() if getattr(one, "__module__", "") == aws.__name__] if aws else []
clients = [one.__name__ for one in own if hasattr(one, "cache_info") and one.cache_info().currsize]
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules), "clients": clients}))
"""


def imported(*names: str) -> tuple[float, set[str], list[str]]:
    """CPU seconds of importing these modules, every module that is loaded then, and the AWS clients created."""
    env = environment({}) | {"PYTHONPATH": os.pathsep.join(import_path()), "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", _MEASURE, *names], env=env, cwd=ROOT, capture_output=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], set(found["modules"]), found["clients"]
