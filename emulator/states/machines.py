"""State machines as they are kept: a name, and the revision that new executions take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emulator.states.machine import Machine


@dataclass(frozen=True, slots=True)
class Revision:
    """A definition with what belongs to it; executions keep the one they started with.

    ``id`` is a UUID, or None for the first revision (AWS calls it INITIAL and leaves it out).
    """

    definition: str
    role_arn: str
    machine: Machine
    logging: dict[str, Any]
    tracing: dict[str, Any]
    encryption: dict[str, Any]
    updated: float
    id: str | None = None

    def same_content(self, other: Revision) -> bool:
        """Whether creating ``other`` after this one is the same creation: the role may differ."""
        return (self.definition, self.logging, self.tracing, self.encryption) == (
            other.definition,
            other.logging,
            other.tracing,
            other.encryption,
        )


@dataclass(slots=True, eq=False)
class StateMachine:
    """A state machine. ``created`` is in epoch seconds; ``deleting``: gone with its last run."""

    arn: str
    name: str
    express: bool
    created: float
    revision: Revision
    tags: dict[str, str] = field(default_factory=dict)
    deleting: bool = False

    @property
    def type(self) -> str:
        """``STANDARD`` or ``EXPRESS``."""
        return "EXPRESS" if self.express else "STANDARD"

    def summary(self) -> dict[str, Any]:
        """As ListStateMachines has it."""
        return {
            "stateMachineArn": self.arn,
            "name": self.name,
            "type": self.type,
            "creationDate": self.created,
        }

    def description(self) -> dict[str, Any]:
        """As DescribeStateMachine has it."""
        return {
            **self.summary(),
            "status": "DELETING" if self.deleting else "ACTIVE",
            **revision_members(self.revision),
        }


def revision_members(revision: Revision) -> dict[str, Any]:
    """The members of a description that come from the revision."""
    found: dict[str, Any] = {
        "definition": revision.definition,
        "roleArn": revision.role_arn,
        "loggingConfiguration": revision.logging,
        "tracingConfiguration": revision.tracing,
    }
    if revision.encryption:
        found["encryptionConfiguration"] = revision.encryption
    if revision.machine.references:
        found["variableReferences"] = revision.machine.references
    if revision.id is not None:
        found["revisionId"] = revision.id
    return found
