"""Finding actions by what is asked for: words of a request against those of actions, their applications and parameters.

The catalogue's own index (`catalog.index`) ranks by popularity, which actions do not have, and takes names; a request
is a sentence. So here each word of it has a weight by how few actions have it, and counts by where an action has it: in
its name, its application, its description or its parameters. A word may stand for others (`synonyms.txt`), and one
that nothing knows is mended if it is one typing error away.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.synonyms import READ, beginnings, standing_for, verbs
from jobsprint.catalog.text import joined, parts, stem, within_one_edit, words

_IN_NAME, _IN_APP, _IN_TEXT, _IN_KIND, _IN_PARAMETERS = 3.0, 3.0, 1.5, 0.6, 0.8
_SATURATED = 0.8  # a word that an action has everywhere counts hardly more than one in its name
_OTHER_WORD, _MENDED, _UNSAID_VERB, _VERB = 0.6, 0.8, 0.3, 1.4  # what a word counts as another one
_NAMED_APP = 1.3  # for the actions of an application that a request names
_UNSAID = 0.15  # the share of its score that an action loses whose name says only other things
_MENDABLE = range(4, 41)  # letters
_MAX_WORDS = 40  # of a request
_MAX_TEXT = 60  # words of a description that count
_NOISE = frozenset(
    "a an the my our your his her their its me i we you us it them they to for of in on at with by from into about is "
    "are am be been was were do does did have has had can could will would should shall may might must please want "
    "need some any all this that these those there here and or if so as up out just let s t re m ll ve d "
    "via using use through called named whose off something someone somebody anything everything thing "
    "week month year quarter tomorrow yesterday morning".split()
)
_PARTICLES = frozenset("up down off on out in back away over".split())
_FAR = 5  # words behind a verb in which its particle may stand
_CONTRACTED = re.compile(r"['\u2019](s|re|m|ll|ve|d|t)\b", re.IGNORECASE)
_QUESTIONS = frozenset("what which who whom when where how why has is did does are".split())


@dataclass(frozen=True)
class Action:
    """What is known of an action: `app` is what its connection is called, `app_id` its application's catalogue id."""

    name: str
    title: str
    description: str
    parameters: Sequence[str]
    app: str
    app_id: str = ""


class ActionIndex:
    """An index of actions in the order they were given; `search` gives their places in it."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._by_word: dict[str, dict[int, float]] = {}
        self._name_words: list[int] = []
        self._named: dict[str, set[int]] = {}
        self._spellings: dict[str, str] = {}
        self._apps: dict[str, list[int]] = {}
        for place, action in enumerate(actions):
            self._add(place, action)

    def search(self, query: str) -> list[int]:
        """The places of all actions that a request may mean, the best first; equals in their order."""
        scores: dict[int, float] = {}
        said: dict[int, int] = {}
        for meant in self._meanings(query):
            found = self._found(meant)
            weight = self._rarity(next(iter(meant)), len(found))
            for place, share in found.items():
                scores[place] = scores.get(place, 0.0) + weight * share
            for place in set().union(*(self._named.get(word, ()) for word in meant)):
                said[place] = said.get(place, 0) + 1
        for place in self._in_named_apps(query):
            scores[place] = scores.get(place, 0.0) * _NAMED_APP
        for place in scores:
            unsaid = 1 - min(1.0, said.get(place, 0) / self._name_words[place])
            scores[place] *= 1 - _UNSAID * unsaid
        return sorted(scores, key=lambda place: (-scores[place], place))

    def _in_named_apps(self, query: str) -> Iterator[int]:
        """The places of the actions of each application whose whole name a request has."""
        said = {stem(word) for word in words(query)}
        said |= {stem("".join(pair)) for pair in pairwise(words(query))}
        for name, places in self._apps.items():
            if said.issuperset(name.split()):
                yield from places

    def _add(self, place: int, action: Action) -> None:
        self._apps.setdefault(" ".join(map(stem, words(action.app))), []).append(place)
        app = {*words(action.app), *parts(action.app), joined(action.app)}
        name = {*parts(action.name), *parts(action.title)}
        known = _known_app(action.app_id, action.app)
        kind = words(" ".join((known.category, *known.aliases))) if known else ()
        parameters = [word for parameter in action.parameters for word in parts(parameter)]
        weights: dict[str, float] = {}
        for found, weight in (
            (name, _IN_NAME),
            (app, _IN_APP),
            (words(action.description)[:_MAX_TEXT], _IN_TEXT),
            (kind, _IN_KIND),
            (parameters, _IN_PARAMETERS),
        ):
            for word in self._stems(found):
                weights[word] = weights.get(word, 0.0) + weight
        for word, weight in weights.items():
            self._by_word.setdefault(word, {})[place] = weight / (weight + _SATURATED)
        said = self._stems(name) - self._stems(app)
        for word in said:
            self._named.setdefault(word, set()).add(place)
        self._name_words.append(max(1, len(said)))

    def _stems(self, found: Iterable[str]) -> set[str]:
        stems = set()
        for word in found:
            if word not in _NOISE:
                self._spellings[word] = stemmed = self._spellings.get(word) or stem(word)
                stems.add(stemmed)
        return stems

    def _found(self, meant: dict[str, float]) -> dict[int, float]:
        """How much each action has of a word of the request, in any of its meanings."""
        found: dict[int, float] = {}
        for word, weight in meant.items():
            for place, share in self._by_word.get(word, {}).items():
                found[place] = max(found.get(place, 0.0), weight * share)
        return found

    def _rarity(self, word: str, found: int) -> float:
        """How much a word of a request says that `found` actions have in any meaning, and fewer as it stands."""
        if word in verbs():  # a rare verb says no more than the usual one for the same
            return _VERB * math.log1p(len(self._name_words) / max(1, found))
        counts = [count for count in (found, len(self._by_word.get(word, ()))) if count]
        return sum(math.log1p(len(self._name_words) / count) for count in counts) / max(1, len(counts))

    def _meanings(self, query: str) -> list[dict[str, float]]:
        """For each word of a request that says something the stems that it may stand for, and how much each counts."""
        said = parts(_CONTRACTED.sub("", query))[:_MAX_WORDS]
        said[:1] = [word for first in said[:1] for word in beginnings().get(first, [first])]
        found: list[dict[str, float]] = []
        for place, word in enumerate(said):
            both = "".join(said[place : place + 2]) if place + 1 < len(said) else ""
            if phrase := _phrase(word, said[place + 1 : place + 1 + _FAR]):
                found.append(self._meant(phrase))
            elif stem(both) in standing_for() or stem(both) in self._by_word:
                found.append(self._meant(both))
            if not phrase and word not in _NOISE and word not in _QUESTIONS:
                found.append(self._meant(word))
        if said and (said[0] in _QUESTIONS or verbs().isdisjoint(map(stem, said))):
            unsaid = READ if said[0] in _QUESTIONS else f"{READ} create"
            found.append({stem(word): _UNSAID_VERB for word in words(unsaid)})
        return found

    def _meant(self, word: str) -> dict[str, float]:
        own = stem(word)
        meant = {own: 1.0} | dict.fromkeys(standing_for().get(own, ()), _OTHER_WORD)
        if own in self._by_word or own in standing_for():
            return meant
        for spelling in self._like(word):
            mended = stem(spelling)
            meant = {mended: _MENDED} | dict.fromkeys(standing_for().get(mended, ()), _OTHER_WORD * _MENDED) | meant
        return meant

    def _like(self, word: str) -> list[str]:
        """The known words that are one typing error away, or else those that begin so."""
        if len(word) not in _MENDABLE:
            return []
        close = range(len(word) - 1, len(word) + 2)
        near = [known for known in (*self._spellings, *standing_for()) if len(known) in close]
        return [known for known in near if within_one_edit(word, known)] or [
            known for known in self._spellings if known.startswith(word)
        ]


def _phrase(verb: str, behind: Sequence[str]) -> str:
    """The verb of two words that begins with this one, as `signup` of "sign somebody up"; empty if there is none."""
    both = (f"{verb}{particle}" for particle in behind if particle in _PARTICLES)
    return next((word for word in both if stem(word) in standing_for()), "")


def _known_app(app_id: str, name: str) -> App | None:
    """What the catalogue knows of an application: by its name, because a custom connection may have that, or its id."""
    return _by_name().get(joined(name)) or builtin().apps.get(app_id)


@cache
def _by_name() -> dict[str, App]:
    return {joined(app.name): app for app in reversed(builtin().apps.values())}
