"""A figure beside its target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value, which must not exceed its target; without a target it is printed for orientation."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.target is None or self.value <= self.target

    def __str__(self) -> str:
        bound = "" if self.target is None else f"≤ {self.target:g} {'holds' if self.holds else 'MISSED'}"
        return f"  {self.name:<46} {self.value:>9.2f} {self.unit:<6} {bound:<13} {self.note}".rstrip()
