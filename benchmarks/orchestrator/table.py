"""Samples, rows, and the table that they make."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

EMULATOR = "emulator"

Form = Callable[[float], str]


@dataclass
class Sample:
    """What one server showed: values (seconds, say), and its CPU seconds for each of them."""

    values: list[float] = field(default_factory=list)
    cpu_s: float | None = None

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Row:
    """One line: what was measured, on whom, and the target (``at most`` or ``at least``).

    ``samples`` are by the server's name and have the emulator's at least; ``cannot`` says of a
    peer why it has none. ``more_is_better`` is for rates.
    """

    what: str
    samples: Mapping[str, Sample]
    form: Form
    target: float | None = None
    cannot: Mapping[str, str] = field(default_factory=dict)
    more_is_better: bool = False

    @property
    def missed(self) -> bool:
        """Whether the emulator's median is beyond the target."""
        if self.target is None:
            return False
        ours = self.samples[EMULATOR].median
        return ours < self.target if self.more_is_better else ours > self.target

    def cells(self, peers: Mapping[str, str]) -> list[str]:
        """The line's cells; ``peers`` are the peers' names with their versions."""
        ours = self.samples[EMULATOR]
        bound = "at least" if self.more_is_better else "at most"
        return [
            self.what,
            f"**{self.form(ours.median)}**",
            self.form(min(ours.values)),
            self.form(max(ours.values)),
            "" if self.target is None else f"{bound} {self.form(self.target)}",
            "" if ours.cpu_s is None else milliseconds(ours.cpu_s),
            *(self._peer(name, ours) for name in peers),
        ]

    def _peer(self, name: str, ours: Sample) -> str:
        theirs = self.samples.get(name)
        if theirs is None:
            return self.cannot.get(name, "")
        ratio = theirs.median / ours.median
        return f"{self.form(theirs.median)} (x {ratio:.2g})"


def render(rows: list[Row], peers: Mapping[str, str]) -> str:
    """The rows as a Markdown table."""
    head = ["what", "median", "min", "max", "target", "CPU each"]
    head += [f"{name} {version}" for name, version in peers.items()]
    lines = [head, ["---"] * len(head), *(row.cells(peers) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(value: float) -> str:
    """``value`` seconds."""
    shown = value * 1000
    return f"{shown:.0f} ms" if shown >= 20 else f"{shown:.1f} ms"


def megabytes(value: float) -> str:
    """``value`` bytes."""
    return f"{value / 1e6:.0f} MB"


def kilobytes(value: float) -> str:
    """``value`` bytes."""
    return f"{value / 1e3:.1f} kB"


def per_second(value: float) -> str:
    """``value`` times a second."""
    return f"{value:.0f}/s"
