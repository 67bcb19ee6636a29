"""List the files that an event and an action pass through, with their lines: `python tools/walk.py [--check]`.

Runs both on moto, first attempt and success, and notes each file of ours in which a function is called or of which an
object is used, in the order of the first time. Rewrites the tables in docs/architecture.md; `--check` ends with 1 where
they name other files.
"""

import ast
import inspect
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PROJECT = Path(__file__).resolve().parents[1]
LAYER = PROJECT / "layers" / "connector"
PAGE = PROJECT / "docs" / "architecture.md"

# Of these the docstring tells a caller all there is to know.
SKIPPED = ("jobsprint/outbound/", "jobsprint/core/canonical_json", "jobsprint/domain/event_patterns")


def walks() -> dict[str, list[str]]:
    """For each walk the paths of its files, from the project's root."""
    sys.path[:0] = [str(PROJECT), str(LAYER)]
    import boto3

    from tests.support.call import call, handler
    from tests.support.deliveries import dispatch, record, subscribe
    from tools.bench.storage import on_moto, take

    def event() -> None:
        assert call("POST", "/events", body={"event": "order.created", "data": {"id": 1}}).status == 202
        tasks = take(boto3.client("sqs"), os.environ["DELIVERY_QUEUE_URL"])
        assert len(tasks) == 1
        assert not dispatch(*map(record, tasks))

    def action() -> None:
        answer = call("POST", f"/integrations/{integration}/actions/order", body={"parameters": {"sku": "A-1"}})
        assert answer.status == 200, answer.body

    with on_moto() as receiver:
        subscribe(receiver.url, "order.created")
        custom = {"name": "Orders", "url": receiver.url, "actions": [{"name": "order"}]}
        integration = call("POST", "/integrations/custom_webhook/connect", body=custom).data["id"]
        for folder in ("publish_events", "dispatch_webhooks", "execute_action"):
            handler(folder)  # imports it, which is no part of the walk
        return {"event": _files(event), "action": _files(action)}


def _files(work: Callable[[], None]) -> list[str]:
    from jobsprint.api import request_limit

    request_limit.forget()  # a container writes for some requests only: here for the first one
    with _noting() as found:
        work()
    return [path for path in found if not path.removeprefix("layers/connector/").startswith(SKIPPED)]


@contextmanager
def _noting() -> Iterator[dict[str, None]]:
    """The files of ours that are used in the block, also by other threads."""
    found: dict[str, None] = {}
    roots = (str(LAYER / "jobsprint"), str(PROJECT / "functions"))

    def note(frame: FrameType, what: str, _: object) -> None:
        if what == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, not the body of a class
            # The methods of models and data classes are generated elsewhere: there the object says whose they are.
            owner = sys.modules.get(type(frame.f_locals.get("self")).__module__)
            for path in (frame.f_code.co_filename, getattr(owner, "__file__", None) or ""):
                if path.startswith(roots):
                    found.setdefault(str(Path(path).relative_to(PROJECT)))

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def table(paths: list[str]) -> str:
    """The files as Markdown: path, lines, and the first sentence of the docstring."""
    texts = {path: (PROJECT / path).read_text() for path in paths}
    rows = [
        f"| `{path.removeprefix('layers/connector/jobsprint/')}` | {len(text.splitlines())} | {_summary(text)} |"
        for path, text in texts.items()
    ]
    total = f"\n{len(paths)} files, {sum(len(text.splitlines()) for text in texts.values()):,} lines."
    return "\n".join(["| file | lines | what it is |", "|---|---|---|", *rows, total])


def _summary(text: str) -> str:
    paragraph = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].replace("\n", " ")
    return paragraph.partition(". ")[0].removesuffix(".") + "."


def rewritten(page: str, name: str, text: str) -> str:
    """The page with another table between the markers of a walk."""
    begin, end = f"<!-- walk:{name} -->\n", f"<!-- end of walk:{name} -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n\n{end}{rest.partition(end)[2]}"


def named(page: str) -> list[str]:
    """The files in the tables of the page."""
    return re.findall(r"^\| (`[^`]+`)", page, re.MULTILINE)


if __name__ == "__main__":
    before = after = PAGE.read_text()
    for walk, files in walks().items():
        after = rewritten(after, walk, table(files))
    if "--check" in sys.argv:
        sys.exit(sorted(named(before)) != sorted(named(after)) and f"{PAGE.name} is out of date: run {sys.argv[0]}")
    PAGE.write_text(after)
    sys.stdout.write(after[after.index("<!-- walk:") :])
