"""What can be connected: the published index, or the built-in list where none was published."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache

from jobsprint.catalog import index, published
from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.index import Hit, Index
from jobsprint.core.errors import UpstreamFailed


def find_app(app_id: str) -> App | None:
    """The application of that catalogue id. Built-in ones need no index.

    Raises UpstreamFailed when it may be a published one and the index cannot be read.
    """
    known = builtin().apps.get(app_id)
    if known or not app_id.startswith("zapier_"):
        return known
    found = published.index()
    return found.find(app_id) if found else None


def search(
    query: str | None, category: str | None, kind: str | None, *, start: int, limit: int, own: Sequence[App] = ()
) -> tuple[list[App], bool]:
    """`limit` applications from the `start`-th on, by relevance and then popularity, and whether there are more.

    `own` is what only this tenant may see; among equally relevant ones it comes last. `category` (in any case) and
    `kind` must match whole.
    """
    count = start + limit + 1
    public = _public()
    found = [_resolved(public.search(query, category, kind, count), public.app)]
    if own:
        by_rank = dict(enumerate(index.by_popularity(own), start=1))
        with closing(index.build(own, {})) as private:
            hits = private.search(query, category, kind, count)
        found.append(_resolved(hits, lambda hit: by_rank[hit.rank]))
    ranked = list(heapq.merge(*found, key=lambda pair: pair[0].grade))
    page = [resolve(hit) for hit, resolve in ranked[start : start + limit]]
    return page, len(ranked) > start + limit


def _resolved(hits: Iterable[Hit], resolve: Callable[[Hit], App]) -> list[tuple[Hit, Callable[[Hit], App]]]:
    return [(hit, resolve) for hit in hits]


def _public() -> Index:
    try:
        return published.index() or _built_in()
    except UpstreamFailed:
        return _built_in()


@cache
def _built_in() -> Index:
    return index.build(builtin().apps.values(), builtin().synonyms)
