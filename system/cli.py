"""The ``nst`` command: a thin root that loads each command only when it is asked for.

The commands live with the parts they belong to and register in the entry-point group
``nst.commands``; so this module imports none of them, and ``nst run`` need not wait for PyTorch.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points, version

import click

GROUP = "nst.commands"


class Commands(click.Group):
    """A group whose commands are entry points, loaded one by one."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=GROUP)}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The names of all commands."""
        return sorted(self._points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, or None."""
        point = self._points().get(cmd_name)
        if point is None:
            return None
        command: click.Command = point.load()
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("nst-art"), prog_name="nst")
def main() -> None:
    """Turn photographs into paintings, on a budget that holds."""
