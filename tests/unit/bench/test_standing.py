"""The cost of a stage without traffic, and that docs/scaling.md says the same."""

import re

import pytest

from tests.support.template import ROOT, resources
from tools.bench.standing import alarmed_metrics, method_metrics, standing

SCALING = (ROOT / "docs" / "scaling.md").read_text("utf-8")


def test_the_page_has_every_part_of_the_bill() -> None:
    said = {
        name: float(dollars) for name, dollars in re.findall(r"^\| ([a-z ]+) \| (\d+\.\d\d) \|", SCALING, re.MULTILINE)
    }
    assert said == {name: pytest.approx(dollars, abs=0.005) for name, dollars in standing().items()}
    assert f"**{sum(standing().values()):.2f}**" in SCALING


def test_the_page_counts_the_alarms() -> None:
    alarms = len(resources("AWS::CloudWatch::Alarm"))
    assert f"each of the {alarmed_metrics()} metrics that {alarms} alarms watch" in SCALING


def test_the_page_says_what_metrics_of_methods_would_cost() -> None:
    assert f"they would be ${method_metrics():.2f} a month" in SCALING
