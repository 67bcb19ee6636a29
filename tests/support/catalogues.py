"""A catalogue of 30,000 applications as it might be, and what one typing error makes of a name."""

import random
import string
from collections.abc import Iterator

from jobsprint.catalog.builtin import App, builtin
from jobsprint.catalog.text import slug
from jobsprint.catalog.zapier import popularity_of

SIZE = 30_000

_FIRST = (
    "Acorn Alpine Amber Anchor Apex Arrow Atlas Aurora Beacon Birch Blue Bold Bonfire Brave Breeze Bright Brook "
    "Canyon Cargo Cedar Chime Cirrus Citrus Civic Clear Clever Cloud Cobalt Comet Coral Crater Crown Crystal Dawn "
    "Delta Drift Eagle Echo Ember Emerald Ever Falcon Fern Field Fire Flint Forge Fox Frost Galaxy Glacier Gold "
    "Grand Granite Green Harbor Hawk Hazel Helio Hill Horizon Humble Indigo Iron Ivory Jade Jet Juniper Kite Lake "
    "Laurel Leaf Light Lime Linen Lion Lotus Lunar Maple Marble Meadow Mint Mono Moss Nimbus North Nova Oak Ocean "
    "Olive Onyx Open Orbit Otter Owl Pace Palm Peak Pearl Pebble Pine Pixel Plain Plum Polar Prime Pulse Quartz "
    "Quick Quill Rain Rapid Raven Red Reef Ridge River Robin Rocket Root Rose Ruby Rust Sage Sail Salt Sand Scout "
    "Shore Silver Sky Smart Snow Solar Sonic Spark Spruce Star Steel Stone Storm Summit Sun Swift Teal Terra "
    "Thistle Thunder Tide Tiger Timber True Twin Urban Vale Velvet Violet Vista Vivid Wave West White Wild Willow "
    "Wind Wise Wolf Wonder Yellow Zen Zephyr"
).split()
_SECOND = (
    "Agent Base Basket Beat Bench Board Book Box Bridge Cart Cast Chart Chat Check Circle Clip Coach Code Craft "
    "Dash Data Deck Desk Docs Drive Engage Factor Feed Field Flow Folio Form Forms Gate Grid Guard Hire Host Hub "
    "Invoice Jet Kit Lab Lane Lead Leads Ledger Lens Link List Live Logic Loop Mail Map Mark Market Mate Meet Mind "
    "Mode Note Notes Order Pad Page Pages Parts Path Pay People Phone Pipe Plan Point Port Post Press Probe Proof "
    "Push Query Quiz Quote Rank Reach Report Review Room Sales Scan Schedule Scope Sense Sheet Shift Ship Shop "
    "Sight Sign Site Smith Social Space Spot Stack Stage Store Stream Suite Support Survey Sync Table Tag Talk Task "
    "Team Text Thread Ticket Time Track Trade Vault View Voice Vote Watch Ware Way Web Wire Wise Work Works Yard "
    "Zone"
).split()
_ENDINGS = (
    "",
    "",
    "",
    "",
    " CRM",
    " AI",
    " Pro",
    " Cloud",
    " Mail",
    " HR",
    " App",
    " Forms",
    " Pay",
    " Desk",
    " SMS",
    ".io",
)
_WHAT = (
    "helps {who} {do} {thing}",
    "{do} {thing} for {who}",
    "where {who} {do} {thing} together",
    "{thing} that {who} like to use",
)
_WHO = "small teams,agencies,shops,schools,clinics,engineers,sales people,landlords,charities,restaurants".split(",")
_DO = "plan,track,send,collect,share,sell,measure,store,publish,approve,sync,review".split(",")
_THING = (
    "invoices,messages,orders,tickets,contacts,documents,email campaigns,appointments,shifts,surveys,payments,posts,"
    "tasks,reports,contracts,leads,courses,files,calls,notes"
).split(",")
_VERBS = "create update find send add remove".split()


def generated(size: int = SIZE) -> list[App]:
    """The built-in applications and invented ones, `size` in all; the same on every call."""
    dice = random.Random(20_251_122)
    apps = dict(builtin().apps)
    categories = [category for category in builtin().synonyms if category]
    while len(apps) < size:
        app = _invented(dice, categories)
        apps.setdefault(app.id, app)
    return list(apps.values())


def _invented(dice: random.Random, categories: list[str]) -> App:
    joint = dice.choice(("", "", " "))
    first, second = dice.choice(_FIRST), dice.choice(_SECOND)
    name = first + (joint + second if joint else second.lower()) + dice.choice(_ENDINGS)
    thing = dice.choice(_THING)
    description = dice.choice(_WHAT).format(who=dice.choice(_WHO), do=dice.choice(_DO), thing=thing).capitalize()
    capabilities = tuple(f"{verb}_{thing.split()[0].rstrip('s')}" for verb in dice.sample(_VERBS, dice.randint(0, 3)))
    # By its place in a list that is sorted by popularity, as with those that are really fetched.
    popularity = popularity_of(dice.randrange(len(builtin().apps), SIZE), SIZE)
    return App(f"zapier_{slug(name)}", "zapier", name, description, dice.choice(categories), popularity, capabilities)


def popular_names(count: int = 400) -> list[App]:
    """The most popular built-in Zapier applications with names of five letters or more."""
    apps = [app for app in builtin().apps.values() if app.type == "zapier" and len(app.name) >= 5]
    return sorted(apps, key=lambda app: (-app.popularity, app.id))[:count]


def every_typo(name: str) -> Iterator[str]:
    """Every string that one inserted, deleted or replaced letter, or one swap of neighbours, makes of a name."""
    for at in range(len(name) + 1):
        head, tail = name[:at], name[at:]
        yield from (head + letter + tail for letter in string.ascii_lowercase)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in string.ascii_lowercase if letter != tail[0])
        if len(tail) > 1 and tail[0] != tail[1]:
            yield head + tail[1] + tail[0] + tail[2:]
