"""Run one handler in a process of its own: `python worker.py <folder with app.py>`.

Reads an event a line; writes a line of JSON for each: the `answer` and the process's CPU milliseconds so far.
"""

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import awslambdaric.bootstrap  # noqa: F401 - every process of Lambda loads it before the handler

_NAMES = dict.fromkeys(("function_name", "invoked_function_arn", "aws_request_id"), "bench")
_CONTEXT = SimpleNamespace(**_NAMES, memory_limit_in_mb=512, get_remaining_time_in_millis=lambda: 29_000)

output, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - handlers log to stdout until the end
sys.path.insert(0, sys.argv[1])
import app  # type: ignore[import-not-found]  # noqa: E402

for line in sys.stdin:
    answer = app.handler(json.loads(line), _CONTEXT)
    cpu_ms = time.process_time() * 1000
    print(json.dumps({"answer": answer, "cpu_ms": cpu_ms}), file=output, flush=True)
