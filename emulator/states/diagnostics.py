"""What is wrong with a definition, in the form of ValidateStateMachineDefinition.

Sources: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
and, for the codes, API_ValidateStateMachineDefinitionDiagnostic.html beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SCHEMA = "SCHEMA_VALIDATION_FAILED"
NOT_JSON = "INVALID_JSON_DESCRIPTION"
TRANSITION = "MISSING_TRANSITION_TARGET"
RESOURCE = "INVALID_RESOURCE"
NO_END = "MISSING_END_STATE"
DUPLICATE_NAME = "DUPLICATE_STATE_NAME"
BAD_NAME = "INVALID_STATE_NAME"
TOO_DEEP = "TOO_DEEPLY_NESTED"
UNSUPPORTED = "NOT_SUPPORTED_BY_EMULATOR"

ERROR, WARNING = "ERROR", "WARNING"
DIAGNOSTICS_MAX = 1_000


@dataclass(frozen=True)
class Diagnostic:
    """One problem; ``location`` is a path into the definition, or None."""

    code: str
    message: str
    location: str | None = None
    severity: str = ERROR

    def sentence(self) -> str:
        """As it stands in InvalidDefinition's message."""
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")

    def as_json(self) -> dict[str, Any]:
        """As ValidateStateMachineDefinition answers it."""
        found: dict[str, Any] = {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
        }
        if self.location is not None:
            found["location"] = self.location
        return found


class Unsupported(ValueError):  # noqa: N818 (a ValueError that is a refusal, not a mistake)
    """Part of a definition that is valid on AWS and refused here by name."""


class InvalidResource(ValueError):  # noqa: N818 (a ValueError with a code of its own)
    """The Resource of a Task state is no ARN at all."""


class Diagnostics:
    """The problems found so far."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(self, location: str, message: str, code: str = SCHEMA) -> None:
        """Note a problem; beyond the limit they are dropped (one is enough to refuse)."""
        if len(self.found) < DIAGNOSTICS_MAX:
            self.found.append(Diagnostic(code, message, location))

    def add_error(self, location: str, error: ValueError) -> None:
        """Note what a compiling function raised."""
        codes = {Unsupported: UNSUPPORTED, InvalidResource: RESOURCE}
        self.add(location, str(error), codes.get(type(error), SCHEMA))
