"""API calls on state machines.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.states import requests
from emulator.states.compiler import compile_definition
from emulator.states.diagnostics import UNSUPPORTED, Diagnostic
from emulator.states.machine import Machine
from emulator.states.machines import Revision, StateMachine

MACHINES_MAX = 10_000
TAGS_MAX = 50
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+\Z")
_DIAGNOSTICS_DEFAULT = 100
_ARN_COLONS = 6
"""In an ARN without a qualifier: arn:aws:states:region:account:stateMachine:name."""


class MachineCalls:
    """The state machines, and the calls on them."""

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self.machines: dict[str, StateMachine] = {}

    def find(self, arn: str) -> StateMachine:
        """A state machine by its ARN; raises InvalidArn, StateMachineDoesNotExist."""
        requests.arn(arn, "stateMachine")
        _refuse_qualified(arn)
        machine = self.machines.get(arn)
        if machine is None:
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """CreateStateMachine; idempotent for the same name and content."""
        _refuse(params, ("publish", "versionDescription"))
        name = requests.resource_name(requests.text(params, "name"))
        kind = _machine_type(params)
        arn = ids.arn(
            "states", f"stateMachine:{name}", region=caller.region, account=caller.account
        )
        revision = self._revision(params, kind)
        known = self.machines.get(arn)
        if known is not None:
            same = replace(revision, updated=known.revision.updated, machine=known.revision.machine)
            if same != replace(known.revision, id=None) or known.type != kind:
                raise AwsError(
                    "StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'"
                )
            return {"stateMachineArn": arn, "creationDate": known.created}
        if len(self.machines) >= MACHINES_MAX:
            raise AwsError(
                "StateMachineLimitExceeded", f"There are {MACHINES_MAX} state machines already"
            )
        tags = _tags(params.get("tags"))
        self.machines[arn] = StateMachine(
            arn, name, kind == "EXPRESS", revision.updated, revision, tags
        )
        return {"stateMachineArn": arn, "creationDate": revision.updated}

    def update(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """UpdateStateMachine; running executions keep what they started with."""
        _refuse(params, ("publish", "versionDescription"))
        machine = self.find(requests.text(params, "stateMachineArn"))
        changed = (
            "definition",
            "roleArn",
            "loggingConfiguration",
            "tracingConfiguration",
            "encryptionConfiguration",
        )
        given = {name: params[name] for name in changed if params.get(name) is not None}
        if not given:
            raise AwsError(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the "
                "TracingConfiguration must be specified",
            )
        old = machine.revision
        merged = {
            "definition": old.definition,
            "roleArn": old.role_arn,
            "loggingConfiguration": old.logging,
            "tracingConfiguration": old.tracing,
            "encryptionConfiguration": old.encryption or None,
            **given,
        }
        machine.revision = replace(self._revision(merged, machine.type), id=self._new_id())
        return {
            "updateDate": machine.revision.updated,
            "revisionId": machine.revision.id,
        }

    def describe(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """DescribeStateMachine."""
        machine = self.find(requests.text(params, "stateMachineArn"))
        found = machine.description()
        if params.get("includedData") == "METADATA_ONLY":
            found.pop("definition")
        return found

    def list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """ListStateMachines, by name."""
        mine = f"arn:{ids.PARTITION}:states:{caller.region}:{caller.account}:"
        machines = sorted(
            (m for m in self.machines.values() if m.arn.startswith(mine)), key=lambda m: m.name
        )
        chosen, token = requests.page(machines, params)
        found: dict[str, Any] = {"stateMachines": [machine.summary() for machine in chosen]}
        return found if token is None else {**found, "nextToken": token}

    def delete(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """DeleteStateMachine: no error for one that is not there; executions run on."""
        arn = requests.arn(requests.text(params, "stateMachineArn"), "stateMachine")
        _refuse_qualified(arn)
        self.machines.pop(arn, None)
        return {}

    def validate(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ValidateStateMachineDefinition."""
        most = params.get("maxResults") or _DIAGNOSTICS_DEFAULT
        _machine, problems = compile_definition(
            requests.text(params, "definition"), _machine_type(params)
        )
        return {
            "result": "FAIL" if problems else "OK",
            "diagnostics": [problem.as_json() for problem in problems[:most]],
            "truncated": len(problems) > most,
        }

    def tag(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """TagResource."""
        machine = self._tagged(params)
        tags = {**machine.tags, **_tags(params.get("tags"))}
        if len(tags) > TAGS_MAX:
            raise AwsError("TooManyTags", f"A resource has at most {TAGS_MAX} tags")
        machine.tags = tags
        return {}

    def untag(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """UntagResource."""
        machine = self._tagged(params)
        for key in params.get("tagKeys") or []:
            machine.tags.pop(key, None)
        return {}

    def list_tags(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListTagsForResource."""
        tags = self._tagged(params).tags
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def list_versions(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListStateMachineVersions: there are none, since publishing is refused."""
        self.find(requests.text(params, "stateMachineArn"))
        return {"stateMachineVersions": []}

    def list_aliases(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListStateMachineAliases: there are none, since creating them is refused."""
        self.find(requests.text(params, "stateMachineArn"))
        return {"stateMachineAliases": []}

    def _tagged(self, params: dict[str, Any]) -> StateMachine:
        arn = requests.arn(requests.text(params, "resourceArn"), "stateMachine")
        machine = self.machines.get(arn)
        if machine is None:
            raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")
        return machine

    def _revision(self, params: dict[str, Any], kind: str) -> Revision:
        definition = requests.text(params, "definition")
        role = requests.text(params, "roleArn", most=256)
        if not _ROLE.match(role):
            raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid Role Arn: {role}'")
        return Revision(
            definition=definition,
            role_arn=role,
            machine=_compiled(definition, kind),
            logging=_object(params, "loggingConfiguration")
            or {"level": "OFF", "includeExecutionData": False},
            tracing=_object(params, "tracingConfiguration") or {"enabled": False},
            encryption=_encryption(params),
            updated=round(self._clock.now(), 3),
        )


def _compiled(definition: str, kind: str) -> Machine:
    machine, problems = compile_definition(definition, kind)
    refused = [problem for problem in problems if problem.code == UNSUPPORTED]
    if refused and len(refused) == len(problems):
        raise NotSupported("; ".join(_where(refused)))
    if machine is None:
        sentences = ", ".join(problem.sentence() for problem in problems)
        raise AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{sentences}'")
    return machine


def _where(problems: Iterable[Diagnostic]) -> list[str]:
    return [f"{p.message.removesuffix(' is not supported')} at {p.location}" for p in problems]


def _machine_type(params: dict[str, Any]) -> str:
    kind = params.get("type") or "STANDARD"
    if kind not in {"STANDARD", "EXPRESS"}:
        raise requests.invalid(
            f"Value '{kind}' at 'type' failed to satisfy constraint: Member must satisfy enum "
            "value set: [STANDARD, EXPRESS]"
        )
    return str(kind)


def _object(params: dict[str, Any], name: str) -> dict[str, Any]:
    value = params.get(name) or {}
    if not isinstance(value, dict):
        raise AwsError("SerializationException", f"'{name}' must be an object")
    return value


def _encryption(params: dict[str, Any]) -> dict[str, Any]:
    found = _object(params, "encryptionConfiguration")
    if found.get("type", "AWS_OWNED_KEY") != "AWS_OWNED_KEY":
        raise NotSupported("encryption of state machines with a customer managed key")
    return found


def _tags(value: Any) -> dict[str, str]:
    tags = {tag["key"]: tag.get("value", "") for tag in value or []}
    if len(tags) > TAGS_MAX:
        raise AwsError("TooManyTags", f"A resource has at most {TAGS_MAX} tags")
    return tags


def _refuse(params: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if params.get(name):
            raise NotSupported(f"{name} (versions of state machines)")


def _refuse_qualified(arn: str) -> None:
    if arn.count(":") > _ARN_COLONS:
        raise NotSupported(f"versions and aliases of state machines ({arn})")
