"""CPU of a handler in a process of its own, without a local stack: `python -m tools.bench.handled <folder with
app.py>`.

Reads a JSON list of events from its input. Prints the milliseconds that the process took from its start until the first
was answered, and those of each further one.
"""

import importlib.util
import io
import json
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

_CONTEXT = SimpleNamespace(
    function_name="bench",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bench",
    aws_request_id="bench",
    get_remaining_time_in_millis=lambda: 30_000,
)


def main(folder: str) -> None:
    """Handles the events one after the other."""
    first, *others = json.load(sys.stdin)
    spec = importlib.util.spec_from_file_location("app", Path(folder) / "app.py")
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    with redirect_stdout(io.StringIO()):
        spec.loader.exec_module(app)
        answers = [app.handler(first, _CONTEXT)]
        cold = time.process_time()
        answers += [app.handler(event, _CONTEXT) for event in others]
        warm = time.process_time() - cold
    for answer in answers:
        assert answer.get("statusCode", 200) < 300, answer
        assert not answer.get("batchItemFailures"), answer
    print(json.dumps({"cold": cold * 1000, "warm": warm * 1000 / max(1, len(others))}))


if __name__ == "__main__":
    main(sys.argv[1])
