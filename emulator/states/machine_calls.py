"""API calls on state machines.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported
from emulator.states import configurations, requests
from emulator.states.compiler import compile_definition
from emulator.states.diagnostics import UNSUPPORTED, Diagnostic
from emulator.states.executions import Execution
from emulator.states.machine import Machine
from emulator.states.machines import Revision, StateMachine
from emulator.states.runs import Runs
from emulator.states.warnings_in import warnings_in

MACHINES_MAX = 10_000
_DIAGNOSTICS_DEFAULT = 100
_ARN_COLONS = 6
"""In an ARN without a qualifier: arn:aws:states:region:account:stateMachine:name."""
_CHANGEABLE = (
    "definition",
    "roleArn",
    "loggingConfiguration",
    "tracingConfiguration",
    "encryptionConfiguration",
)


class MachineCalls:
    """The state machines, and the calls on them."""

    def __init__(self, clock: Clock, new_id: Callable[[], str], runs: Runs) -> None:
        self._clock = clock
        self._new_id = new_id
        self._runs = runs
        self.machines: dict[str, StateMachine] = {}
        runs.on_over(self._finish_deletion)

    def find(self, arn: str) -> StateMachine:
        """A state machine by its ARN; raises InvalidArn, StateMachineDoesNotExist."""
        machine = self.machines.get(_unqualified(arn))
        if machine is None:
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def find_active(self, arn: str) -> StateMachine:
        """`find` one that is not being deleted; raises StateMachineDeleting."""
        machine = self.find(arn)
        if machine.deleting:
            raise AwsError("StateMachineDeleting", f"State Machine Is Being Deleted: '{arn}'")
        return machine

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """CreateStateMachine; idempotent for the same content, whatever role and tags say."""
        _refuse_versions(params)
        name = requests.resource_name(params["name"])
        kind = params.get("type") or "STANDARD"
        arn = ids.arn(
            "states", f"stateMachine:{name}", region=caller.region, account=caller.account
        )
        revision = self._revision(params, kind)
        if arn in self.machines:
            return self._create_again(self.find_active(arn), revision, kind)
        if len(self.machines) >= MACHINES_MAX:
            raise AwsError(
                "StateMachineLimitExceeded", f"There are {MACHINES_MAX} state machines already"
            )
        tags = configurations.tags(params)
        self.machines[arn] = StateMachine(
            arn, name, kind == "EXPRESS", revision.updated, revision, tags
        )
        return {"stateMachineArn": arn, "creationDate": revision.updated}

    def _create_again(self, known: StateMachine, revision: Revision, kind: str) -> dict[str, Any]:
        if known.type != kind or not known.revision.same_content(revision):
            raise AwsError(
                "StateMachineAlreadyExists", f"State Machine Already Exists: '{known.arn}'"
            )
        return {"stateMachineArn": known.arn, "creationDate": known.created}

    def update(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """UpdateStateMachine; running executions keep what they started with."""
        _refuse_versions(params)
        machine = self.find_active(params["stateMachineArn"])
        given = {name: params[name] for name in _CHANGEABLE if params.get(name) is not None}
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
        machine = self.find(params["stateMachineArn"])
        found = machine.description()
        if params.get("includedData") == "METADATA_ONLY":
            found.pop("definition")
        return found

    def list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """ListStateMachines, by name."""
        mine = f"arn:{ids.PARTITION}:states:{caller.region}:{caller.account}:"
        machines = (machine for machine in self.machines.values() if machine.arn.startswith(mine))
        chosen, token = requests.page(machines, params, lambda machine: machine.name)
        found: dict[str, Any] = {"stateMachines": [machine.summary() for machine in chosen]}
        return found if token is None else {**found, "nextToken": token}

    def delete(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """DeleteStateMachine: no error for one that is not there.

        A standard machine with running executions is DELETING until the last one is over; each
        ends at its next state. Executions of express machines run on.
        """
        arn = _unqualified(params["stateMachineArn"])
        machine = self.machines.get(arn)
        if machine is None:
            return {}
        if not machine.express and self._runs.end_at_next_state(arn):
            machine.deleting = True
        else:
            del self.machines[arn]
        return {}

    def _finish_deletion(self, execution: Execution) -> None:
        machine = self.machines.get(execution.machine_arn)
        if machine is not None and machine.deleting and not self._runs.running_of(machine.arn):
            del self.machines[machine.arn]

    def validate(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ValidateStateMachineDefinition."""
        most = params.get("maxResults") or _DIAGNOSTICS_DEFAULT
        definition: str = params["definition"]
        _machine, found = compile_definition(definition, params.get("type") or "STANDARD")
        shown = list(found)
        if params.get("severity") == "WARNING":
            shown += warnings_in(definition)
        return {
            "result": "FAIL" if found else "OK",
            "diagnostics": [problem.as_json() for problem in shown[:most]],
            "truncated": len(shown) > most,
        }

    def tag(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """TagResource."""
        machine = self._tagged(params)
        machine.tags = configurations.tags(params, machine.tags)
        return {}

    def untag(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """UntagResource."""
        machine = self._tagged(params)
        machine.tags = {k: v for k, v in machine.tags.items() if k not in params["tagKeys"]}
        return {}

    def list_tags(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListTagsForResource."""
        tags = self._tagged(params).tags
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def list_versions(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListStateMachineVersions: there are none, since publishing is refused."""
        self.find(params["stateMachineArn"])
        return {"stateMachineVersions": []}

    def list_aliases(self, params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListStateMachineAliases: there are none, since creating them is refused."""
        self.find(params["stateMachineArn"])
        return {"stateMachineAliases": []}

    def list_activities(self, _params: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """ListActivities: there are none, since creating them is refused."""
        return {"activities": []}

    def _tagged(self, params: dict[str, Any]) -> StateMachine:
        arn = requests.arn(params["resourceArn"], "stateMachine", "activity")
        machine = self.machines.get(arn)
        if machine is None:
            raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")
        return machine

    def _revision(self, params: dict[str, Any], kind: str) -> Revision:
        definition: str = params["definition"]
        return Revision(
            definition=definition,
            role_arn=configurations.role_arn(params),
            machine=_compiled(definition, kind),
            logging=configurations.logging(params),
            tracing=configurations.tracing(params),
            encryption=configurations.encryption(params),
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


def _refuse_versions(params: dict[str, Any]) -> None:
    if params.get("publish"):
        raise NotSupported("publish (versions of state machines)")
    if params.get("versionDescription") is not None:
        raise AwsError(
            "ValidationException", "Version description can only be set when publish is true"
        )


def _unqualified(arn: str) -> str:
    """``arn`` of a state machine; raises InvalidArn, ValidationException, NotSupported."""
    name = requests.arn(arn, "stateMachine").partition(":stateMachine:")[2]
    if "/" in name:
        raise AwsError(
            "ValidationException", f"The ARN of a Map state is not valid in this context: {arn}"
        )
    if arn.count(":") > _ARN_COLONS:
        raise NotSupported(f"versions and aliases of state machines ({arn})")
    return arn
