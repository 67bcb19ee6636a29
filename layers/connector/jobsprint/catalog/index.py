"""The search index: one SQLite file with full-text tables, made from applications and then only read.

An application's row number is its place by popularity, and SQLite walks matches by row number. So each grade of
relevance is one query that gives the most popular first and stops at its limit; nothing is scored or sorted.

    apps    the applications            names   words of names, whole names, categories (exact, prefixes), initials
    words   every word worth mending    about   stems of categories, aliases, capabilities, descriptions
    near    hash of a word with one letter left out -> word (`text.with_one_left_out`)
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from jobsprint.catalog.builtin import App
from jobsprint.catalog.text import initials, joined, with_one_left_out, within_one_edit, words

FORMAT = 2
"""Changes with the tables below; part of the published object's name, so that old code never opens a new file."""

_MENDABLE = range(4, 41)  # letters of a word that is mended; shorter ones have too many neighbours
_MAX_WORDS = 8  # of a query
_UNFINISHED = 4  # letters from which the last word may be the beginning of another; stems of shorter ones say nothing
_MAX_MENDED = 12  # words that one word of a query may have been meant as
_MAX_PART = 3  # words of a query that together may name a category
_COMMON = 400  # applications from which a word says little
_NAMED = 4  # the last grade that speaks of names
_NOISE = frozenset(
    "a about all an and any app apps are as at be by can do for from get have how i in into integration integrations "
    "is it like me my of on or our some that the their then these this to tool tools up use using via want we when "
    "where which with you your".split()
)

_TYPE, _CATEGORY = "type", "category"  # what the words to filter by begin with

_TABLES = """
CREATE TABLE apps (rank INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, category TEXT NOT NULL, popularity INTEGER NOT NULL, capabilities TEXT NOT NULL,
    kind TEXT NOT NULL);
CREATE VIRTUAL TABLE names USING fts5(name, whole, kind, initials, filter, content='', columnsize=0, detail=column,
    prefix='1 2 3', tokenize='unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE about USING fts5(topic, text, filter, content='', columnsize=0, detail=column, prefix='3',
    tokenize='porter unicode61 remove_diacritics 0');
CREATE TABLE words (word INTEGER PRIMARY KEY, spelling TEXT NOT NULL UNIQUE);
CREATE TABLE near (hash INTEGER, word INTEGER, PRIMARY KEY (hash, word)) WITHOUT ROWID;
CREATE TABLE about_itself (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX byKind ON apps (kind);
CREATE INDEX byType ON apps (type);
INSERT INTO names (names) VALUES ('optimize');
INSERT INTO about (about) VALUES ('optimize');
ANALYZE;
"""


@dataclass(frozen=True)
class Hit:
    """A match: its grade of relevance (0 is best) and its row in the index it came from."""

    grade: int
    rank: int


# --- building ---------------------------------------------------------------------------------------------------------


def build(
    apps: Iterable[App], synonyms: Mapping[str, tuple[str, ...]], *, path: Path | None = None, digest: str = ""
) -> "Index":
    """The index of `apps`, in a new file at `path` or in memory. `synonyms` are other words for categories."""
    connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=4096; BEGIN;" + _TABLES)
    ordered = by_popularity(apps)
    vocabulary: dict[str, None] = {}
    for rank, app in enumerate(ordered, start=1):
        vocabulary.update(dict.fromkeys(_index_app(connection, rank, app, synonyms.get(app.category, ()))))
    _index_words(connection, vocabulary)
    connection.execute("INSERT INTO about_itself VALUES ('digest', ?)", (digest,))
    connection.executescript(_INDEXES)  # commits first
    return Index(connection)


def by_popularity(apps: Iterable[App]) -> list[App]:
    """The applications in the order of their ranks, which begin with 1; equals stay in the order they came."""
    return sorted(apps, key=lambda app: -app.popularity)


def _index_app(connection: sqlite3.Connection, rank: int, app: App, synonyms: tuple[str, ...]) -> list[str]:
    """Add an application and return the words that may be mended to it."""
    categories = (app.category, *synonyms)
    name, text = words(app.name), words(f"{app.name} {app.description}")
    topic = words(" ".join((*categories, *app.aliases, *app.capabilities)))
    whole = [joined(other) for other in (app.name, *app.aliases)]
    kind = [joined(category) for category in categories]
    filters = f"{_TYPE}{app.type} {_CATEGORY}{kind[0]}"
    row = (rank, app.id, app.type, app.name, app.description, app.category, app.popularity)
    connection.execute("INSERT INTO apps VALUES (?,?,?,?,?,?,?,?,?)", (*row, " ".join(app.capabilities), kind[0]))
    connection.execute(
        "INSERT INTO names (rowid, name, whole, kind, initials, filter) VALUES (?,?,?,?,?,?)",
        (rank, " ".join(name), " ".join(whole), " ".join(kind), initials(app.name), filters),
    )
    connection.execute(
        "INSERT INTO about (rowid, topic, text, filter) VALUES (?,?,?,?)",
        (rank, " ".join(topic), " ".join(text), filters),
    )
    return [*whole, *name, *kind, *topic]


def _index_words(connection: sqlite3.Connection, vocabulary: Iterable[str]) -> None:
    mendable = [word for word in vocabulary if len(word) in _MENDABLE]
    connection.executemany("INSERT INTO words VALUES (?,?)", enumerate(mendable, start=1))
    pairs = {
        (_hash(variant), number) for number, word in enumerate(mendable, start=1) for variant in with_one_left_out(word)
    }
    connection.executemany("INSERT INTO near VALUES (?,?)", sorted(pairs))


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


# --- searching --------------------------------------------------------------------------------------------------------


class Index:
    """An index that is open. `open_file` opens one from a file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open_file(cls, path: Path) -> "Index":
        """The index in a file that `build` made; sqlite3.DatabaseError for any other file."""
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        index = cls(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False))
        try:
            index._connection.executescript("PRAGMA mmap_size=268435456; PRAGMA query_only=1;")
            _ = index.digest
        except sqlite3.DatabaseError:
            index.close()
            raise
        return index

    def close(self) -> None:
        """Close its file."""
        self._connection.close()

    @property
    def digest(self) -> str:
        """What `build` was given as such: says what the index was made from."""
        (value,) = self._connection.execute("SELECT value FROM about_itself WHERE name = 'digest'").fetchone()
        return str(value)

    def __len__(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM apps").fetchone()
        return int(count)

    def find(self, app_id: str) -> App | None:
        """The application of that id."""
        row = self._connection.execute("SELECT * FROM apps WHERE id = ?", (app_id,)).fetchone()
        return _app(row) if row else None

    def app(self, hit: Hit) -> App:
        """The application of a match."""
        return _app(self._connection.execute("SELECT * FROM apps WHERE rank = ?", (hit.rank,)).fetchone())

    def search(self, query: str | None, category: str | None, kind: str | None, count: int) -> list[Hit]:
        """The first `count` matches by relevance, then popularity, or fewer if there are no more.

        No or a blank `query` matches everything. `category` (in any case) and `kind` (a type) must match whole.
        """
        filters = {"type": kind, "kind": None if category is None else joined(category)}
        search = _Search(self._connection, {name: value for name, value in filters.items() if value is not None}, count)
        if not (query or "").strip():
            return search.everything()
        return search.matching(words(query or ""))


def _app(row: tuple[Any, ...]) -> App:
    _, id_, type_, name, description, category, popularity, capabilities, _ = row
    return App(id_, type_, name, description, category, popularity, tuple(capabilities.split()))


class _Search:
    """One search under way: the filters, and the matches so far with their grade."""

    def __init__(self, connection: sqlite3.Connection, filters: dict[str, str], count: int) -> None:
        self._connection = connection
        self._filters = filters
        self._count = count
        self._found: dict[int, int] = {}

    def everything(self) -> list[Hit]:
        """Every application that passes the filters."""
        where = "WHERE " + " AND ".join(f"{column} = ?" for column in self._filters) if self._filters else ""
        sql = f"SELECT rank FROM apps {where} ORDER BY rank LIMIT ?"  # noqa: S608 - the columns are named here
        return [Hit(0, rank) for (rank,) in self._connection.execute(sql, (*self._filters.values(), self._count))]

    def matching(self, query: list[str]) -> list[Hit]:
        """Every grade in turn, until there are enough."""
        words = [word for word in query if word not in _NOISE] or query
        words = words[:_MAX_WORDS]
        if words:
            for grade, (table, expression) in enumerate(self._grades("".join(query), words)):
                if expression and len(self._found) < self._count:
                    self._add(grade, table, expression)
        hits = [Hit(grade, rank) for rank, grade in self._found.items()]
        return hits[: self._count]

    def _grades(self, whole: str, query: list[str]) -> Iterator[tuple[str, str]]:
        """From best to worst: a table, and what to look for in it (empty for nothing)."""
        *first, last = map(_quoted, query)
        # 0. The name or an alias, whole.
        yield "names", f"whole : {_quoted(whole)}"
        # 1. Its beginning, every word of it (the last one may be unfinished), or the category.
        named = " AND ".join([*first, f"{last}*"])
        yield "names", f"whole : {_quoted(whole)}* OR name : ({named}) OR kind : {_quoted(whole)}"
        # 2. The name or an alias with a typing error. 3. The category with one.
        mended = " OR ".join(self._mended(whole))
        yield "names", f"whole : ({mended})" if mended else ""
        yield "names", f"kind : ({mended})" if mended else ""
        # 4. Every word of the name, with typing errors. 5. Every word in category, aliases and capabilities.
        meant = [] if self._is_known(whole) else [self._meant(word) for word in query]
        anything_else = any(len(words_) > 1 for words_ in meant)
        intended = " AND ".join(f"({' OR '.join(words_)})" for words_ in meant)
        yield "names", f"name : ({intended})" if anything_else else ""
        finished = " AND ".join([*first, f"({last} OR {last}*)" if len(query[-1]) >= _UNFINISHED else last])
        yield "about", f"topic : ({finished})"
        # 6. The same with typing errors. 7. Every word anywhere.
        yield "about", f"topic : ({intended})" if anything_else else ""
        # 7. A category that a part of the query names, if no name was meant. 8. Every word anywhere.
        unnamed = not any(grade <= _NAMED for grade in self._found.values()) and len(self._found) < self._count
        yield "names", self._category_in(query) if unnamed else ""
        yield "about", finished
        # 9. A name by its initials. 10 and on. Any word at all, the rarest first.
        yield "names", f"initials : {_quoted(whole)}" if unnamed else ""
        for word in self._by_rarity([*first, last]) if unnamed and len(self._found) < self._count else ():
            yield "about", word

    def _category_in(self, query: list[str]) -> str:
        """What finds the category or synonym that the longest part of the query names; empty where none does."""
        for length in range(min(len(query), _MAX_PART), 0, -1):
            parts = ["".join(query[at : at + length]) for at in range(len(query) - length + 1)]
            named = " OR ".join(_quoted(form) for part in parts for form in (part, f"{part}s", part.removesuffix("s")))
            expression = f"kind : ({named})"
            if self._connection.execute("SELECT 1 FROM names WHERE names MATCH ? LIMIT 1", (expression,)).fetchone():
                return expression
        return ""

    def _by_rarity(self, terms: list[str]) -> list[str]:
        """Quoted words, those first that the fewest applications have; counted up to a bound, to stay quick."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM about WHERE about MATCH ? LIMIT ?)"
        counts = {term: self._connection.execute(sql, (term, _COMMON)).fetchone()[0] for term in terms}
        return sorted(counts, key=lambda term: counts[term])

    def _add(self, grade: int, table: str, expression: str) -> None:
        beginnings = {"type": _TYPE, "kind": _CATEGORY}
        narrow = "".join(f" AND filter : {_quoted(beginnings[name] + value)}" for name, value in self._filters.items())
        sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid LIMIT ?"  # noqa: S608 - names or about
        for (rank,) in self._connection.execute(sql, (f"({expression}){narrow}", self._count)):
            self._found.setdefault(rank, grade)

    def _meant(self, word: str) -> list[str]:
        """What a word of the query may stand for: itself and, unless it is known, its neighbours."""
        return [_quoted(word), *([] if self._is_known(word) else self._mended(word))]

    def _mended(self, word: str) -> list[str]:
        """The known words that are one typing error away, quoted."""
        if len(word) not in _MENDABLE:
            return []
        hashes = sorted({_hash(variant) for variant in with_one_left_out(word)})
        sql = (
            f"SELECT DISTINCT spelling FROM near JOIN words USING (word) WHERE hash IN ({','.join('?' * len(hashes))})"  # noqa: S608
        )
        near = (spelling for (spelling,) in self._connection.execute(sql, hashes))
        found = (spelling for spelling in near if spelling != word and within_one_edit(spelling, word))
        return [_quoted(spelling) for spelling in islice(found, _MAX_MENDED)]

    def _is_known(self, word: str) -> bool:
        return self._connection.execute("SELECT 1 FROM words WHERE spelling = ?", (word,)).fetchone() is not None


def _quoted(word: str) -> str:
    return f'"{word}"'  # words() leaves letters and digits only, so no quote can be inside
