"""The progress bars of ``nst run``: uploads, then the painting."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from system.events import Event

_STATES = {
    "starting": "waiting for a machine",
    "checking": "checking the pictures",
    "running": "painting",
    "succeeded": "painted",
    "failed": "failed",
    "cancelled": "stopped",
}


class RunProgress:
    """Bars on a console; on one that is no terminal they are not drawn."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._painting: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._bars.stop()

    def upload(self, name: str, size: int) -> Callable[[int], None]:
        """A bar for one file of ``size`` bytes; call what it gives with the bytes so far."""
        bar = self._bars.add_task(f"upload {name[:40]}", total=max(size, 1), note="")
        return lambda done: self._bars.update(bar, completed=done)

    def event(self, event: Event) -> None:
        """Show an event of the run."""
        bar = self._bar()
        if event.type == "state":
            state = str(event.fields["state"])
            self._bars.update(bar, description=_STATES.get(state, state))
            if state == "succeeded":
                self._bars.update(bar, total=1.0, completed=1.0)
        elif event.type == "progress":
            fields = event.fields
            self._bars.update(
                bar,
                total=float(fields["steps"]),
                completed=float(fields["step"]),
                note=f"step {fields['step']} of {fields['steps']}, {fields['size']} px",
            )

    def say(self, text: str) -> None:
        """Replace the description of the painting's bar."""
        self._bars.update(self._bar(), description=text)

    def _bar(self) -> TaskID:
        if self._painting is None:
            self._painting = self._bars.add_task(_STATES["starting"], total=None, note="")
        return self._painting
