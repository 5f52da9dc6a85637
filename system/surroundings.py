"""What a function runs in, when that is not a process of its own.

On AWS and in the emulator's sandboxes a function has its process: environment variables, the SDK,
the machine's clock. Who runs functions inside of another program (a simulation on virtual time)
gives them the same things through a context variable, so that many can run side by side there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Surroundings:
    """A function's environment, SDK clients by service name, time, chance, and log.

    ``token_hex`` is ``secrets.token_hex`` or what stands for it: hexadecimal digits of so many
    random bytes.
    """

    variables: Mapping[str, str]
    client: Callable[[str], Any]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    rng: random.Random
    token_hex: Callable[[int], str]
    write: Callable[[str], None]


CURRENT: ContextVar[Surroundings | None] = ContextVar("nst_surroundings", default=None)
"""Set by who runs a function inside of another program; None in a process of its own."""
