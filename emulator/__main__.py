"""``python -m emulator up``: the emulator's commands without the console script."""

from __future__ import annotations

import click

from emulator.cli import down, status, up

main = click.Group("emulator", commands={"up": up, "down": down, "status": status})

if __name__ == "__main__":
    main()
