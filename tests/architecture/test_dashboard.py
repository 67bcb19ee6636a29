"""dashboard.yaml against the main stack and the code: it deploys beside it and shows what is really counted."""

import ast
import json
import re
from functools import cache
from typing import Any

import yaml
from cfnlint import api as cfnlint

from tests.support.sources import modules, sources
from tests.support.template import ROOT, _Loader, template

TEXT = (ROOT / "dashboard.yaml").read_text("utf-8")
OURS = "Jobsprint/Integrations"


@cache
def dashboard() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load(TEXT, Loader=_Loader)  # noqa: S506 - a SafeLoader with tags
    return parsed


def widgets() -> list[dict[str, Any]]:
    text, _ = dashboard()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(text)["widgets"]
    return found


def written_metrics() -> set[str]:
    """Every name in the code that is written like a metric."""
    trees = [sources()[path] for path in modules().values()]
    words = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    states = {"Succeeded", "Failed", "Unknown"}  # integrations.executions puts the outcome's state behind `Executions`
    return {word for word in words if isinstance(word, str)} | {f"Executions{state}" for state in states}


def test_it_is_valid() -> None:
    matches = [match for match in cfnlint.lint_all(TEXT) if match.rule.severity != "informational"]
    assert [str(match) for match in matches] == []


def test_its_parameters_are_outputs_of_the_main_stack() -> None:
    assert set(dashboard()["Parameters"]) <= {*template()["Outputs"], "Stage", "Stack"}


def test_it_shows_what_is_counted() -> None:
    shown = {
        metric[1]
        for widget in widgets()
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], str) and metric[0] == OURS
    } | set(re.findall(r'MetricName="(\w+)"', json.dumps(widgets()).replace('\\"', '"')))
    assert len(shown) > 15
    assert shown <= written_metrics()


def test_no_widget_covers_another() -> None:
    places = [
        (x, y)
        for w in widgets()
        for x in range(w["x"], w["x"] + w["width"])
        for y in range(w["y"], w["y"] + w["height"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
