"""The index in the catalogue bucket, and this container's copy of it in /tmp.

The object is asked for at most every five minutes, and only comes when it has changed (by ETag). Its name carries the
format, so a deploy with a new one never reads an old file; the bucket keeps versions.
"""

import gzip
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from jobsprint.catalog.index import FORMAT, Index
from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.observability import logger

KEY = f"index-v{FORMAT}.sqlite.gz"
CHECK_SECONDS = 300.0
RETRY_SECONDS = 30.0
_UNREADABLE = (ClientError, BotoCoreError, OSError, EOFError, sqlite3.DatabaseError)


@dataclass
class _Held:
    """What this container holds: an open index with its ETag, and when to ask again (monotonic)."""

    index: Index | None = None
    etag: str = ""
    ask_at: float = 0.0
    failed: bool = False


_held = _Held()


def index() -> Index | None:
    """The published index, at most five minutes old; None when none was published.

    While S3 cannot be read, the copy in this container goes on serving. Raises UpstreamFailed without one.
    """
    now = time.monotonic()
    if now >= _held.ask_at:
        try:
            _ask()
            _held.failed, _held.ask_at = False, now + CHECK_SECONDS
        except _UNREADABLE:
            logger.exception("The published catalogue cannot be read")
            _held.failed, _held.ask_at = True, now + RETRY_SECONDS
    if _held.failed and _held.index is None:
        raise UpstreamFailed("The catalogue cannot be read right now; try again", code="catalogue_unavailable")
    return _held.index


def forget() -> None:
    """Close the catalogue, so that the next call fetches it again."""
    if _held.index:
        _held.index.close()
    _held.index, _held.etag, _held.ask_at, _held.failed = None, "", 0.0, False


def digest() -> str:
    """What the published index was made from (its `digest`), or an empty string when none was published."""
    try:
        head = aws.s3().head_object(Bucket=settings().catalog_bucket, Key=KEY)
    except ClientError as error:
        if _status(error) == 404:
            return ""
        raise
    return head["Metadata"].get("digest", "")


def publish(file: Path, digest: str) -> None:
    """Put an index file into the bucket; containers have it within five minutes."""
    with tempfile.TemporaryFile() as packed:
        with file.open("rb") as plain, gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as packing:
            shutil.copyfileobj(plain, packing)
        packed.seek(0)
        aws.s3().put_object(
            Bucket=settings().catalog_bucket,
            Key=KEY,
            Body=packed,
            ContentType="application/gzip",
            Metadata={"digest": digest},
        )


def _ask() -> None:
    """Replace the open index by the one in the bucket, if that is another."""
    try:
        answer = aws.s3().get_object(Bucket=settings().catalog_bucket, Key=KEY, IfNoneMatch=_held.etag or '"none"')
    except ClientError as error:
        if _status(error) == 304:
            return
        if _status(error) != 404:
            raise
        forget()
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.sqlite"
        with gzip.GzipFile(fileobj=answer["Body"]) as packed, file.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        # An open file outlives its name: nothing is left in /tmp when the container moves on.
        opened = Index.open_file(file)
    forget()
    _held.index, _held.etag = opened, answer["ETag"]


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
