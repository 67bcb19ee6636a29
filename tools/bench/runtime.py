"""Functions in processes of their own, with the Python of requirements/bench.in, measured by their CPU time."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.local.options import PROJECT

_ENVIRONMENT = PROJECT / ".local" / "bench-python"
STOCK_PACKAGES = next(_ENVIRONMENT.glob("lib/python*/site-packages"), _ENVIRONMENT)


@dataclass
class Function:
    """A running function: its CPU time so far, and its last answer."""

    process: "subprocess.Popen[str]"
    cpu_ms: float = 0.0
    answer: dict[str, Any] = field(default_factory=dict)

    def invoke(self, event: Mapping[str, Any]) -> float:
        """The CPU milliseconds that an event took; the first one includes the start of the process.

        Raises AssertionError for an answer that is no success: a failure would be cheaper than what is measured.
        """
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the handler raised an exception"
        said = json.loads(line)
        before, self.cpu_ms, self.answer = self.cpu_ms, said["cpu_ms"], said["answer"]
        assert self.answer.get("statusCode", 200) < 300, self.answer
        assert not self.answer.get("batchItemFailures"), self.answer
        return self.cpu_ms - before


@contextmanager
def running(folders: Sequence[Path], env: Mapping[str, str]) -> Iterator[Function]:
    """Start the handler in the first of `folders`, with the others on the path, and stop it afterwards."""
    command = [str(_ENVIRONMENT / "bin" / "python"), str(Path(__file__).with_name("worker.py")), str(folders[0])]
    variables = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        **env,
        "PYTHONPATH": os.pathsep.join(map(str, folders[1:])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True) as process:
        yield Function(process)
        process.terminate()
