"""Figures beside their targets: as a table for people, as JSON for programs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One result. `target` must hold; `stretch` is tried for. `note` says how it was come by."""

    name: str
    value: float
    unit: str
    target: float
    better: Literal["lower", "higher"] = "lower"
    stretch: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self._within(self.target)

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if not self.holds:
            return "MISSED"
        return "stretch" if self.stretch is not None and self._within(self.stretch) else "holds"

    def _within(self, bound: float) -> bool:
        return self.value <= bound if self.better == "lower" else self.value >= bound

    def as_json(self) -> dict[str, object]:
        """As `bench/results/latest.json` holds it (contract, section 1)."""
        fields: dict[str, object] = {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "target": self.target,
            "better": self.better,
        }
        return fields if self.stretch is None else {**fields, "stretch": self.stretch}


def line(figure: Figure) -> str:
    """A row of the table."""
    bound = "≤" if figure.better == "lower" else "≥"
    stretch = "" if figure.stretch is None else f"(stretch {figure.stretch:g})"
    value = f"{figure.value:.4g} {figure.unit}"
    return (
        f"  {figure.name:<46} {value:>18}   {bound} {figure.target:<8g} {stretch:<16} {figure.verdict:<8} {figure.note}"
    ).rstrip()


def write(figures: Iterable[Figure], path: Path) -> None:
    """Writes the figures as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
