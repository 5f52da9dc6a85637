"""Structured log lines: one JSON object a line, with the correlation id in each."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["INFO", "WARNING", "ERROR"]
VALUE_CHARS_MAX = 2_000
NAMESPACE = "NST"


def print_line(line: str) -> None:
    """Print a line at once: Lambda takes what a function prints into its log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Log:
    """Lines of one invocation; ``bind`` adds members that all later lines have."""

    function: str
    now: Callable[[], float]
    write: Callable[[str], None] = print_line
    bound: dict[str, Any] = field(default_factory=dict)

    def bind(self, **members: Any) -> None:
        """Add members to all lines from now on; None adds nothing."""
        self.bound |= {name: value for name, value in members.items() if value is not None}

    def info(self, message: str, **members: Any) -> None:
        """Something happened as it should."""
        self._line("INFO", message, members)

    def warning(self, message: str, **members: Any) -> None:
        """Something went wrong and was dealt with."""
        self._line("WARNING", message, members)

    def failed(self, cause: BaseException, **members: Any) -> None:
        """Something went wrong for good."""
        members["error"] = type(cause).__name__
        members["trace"] = "".join(traceback.format_exception(cause))[-VALUE_CHARS_MAX:]
        self._line("ERROR", "failed", members)

    def measure(self, message: str, values: Mapping[str, int]) -> None:
        """CloudWatch metrics, by the embedded metric format: no permission and no call needed.

        The line itself has ``message`` and the values. Source:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
        """
        metrics = [{"Name": name} for name in values]
        directive = {
            "Timestamp": int(self.now() * 1000),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics}],
        }
        self._line("INFO", message, {**values, "_aws": directive})

    def _line(self, level: Level, message: str, members: dict[str, Any]) -> None:
        line = {"level": level, "function": self.function, "message": message}
        self.write(json.dumps({**line, **self.bound, **members}, default=str))
