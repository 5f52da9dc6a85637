"""What moto's Lambda forgets of a function and the engine must know.

moto drops DeadLetterConfig and LoggingConfig, ignores updates of EphemeralStorage and
TracingConfig, keeps the first event invoke configuration for good where AWS replaces it (Put) or
merges into it (Update), and would run a function that SNS calls in a Docker container. ``extend``
teaches it better, wherever the call comes from: HTTP, the bus or CloudFormation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Take = Callable[[str, bytes], None]
"""Takes an event for a function (its ARN) that another of moto's services sends."""

_KEPT = ("DeadLetterConfig", "LoggingConfig")

_takes: list[Take] = []


def extend(take: Take) -> None:
    """To be run on moto's lane, before the first function is made; ``take`` gets moto's events.

    The newest ``take`` is used: a process has one moto, and one emulator at a time that owns it.
    """
    from moto.awslambda import models  # noqa: PLC0415 (slow import)

    _takes[:] = [take]
    function: Any = models.LambdaFunction
    if getattr(function, "knows_of_the_emulator", False):
        return
    function.knows_of_the_emulator = True
    _extend_function(function)
    _extend_backend(models.LambdaBackend, models.EventInvokeConfig)


def kept(function: Any, member: str) -> dict[str, Any]:
    """``DeadLetterConfig`` or ``LoggingConfig`` of one of moto's functions; {} when it has none."""
    return dict(getattr(function, "emulator_config", {}).get(member) or {})


def _extend_function(function: Any) -> None:
    create, update, describe = (
        function.__init__,
        function.update_configuration,
        function.get_configuration,
    )

    @functools.wraps(create)
    def made(self: Any, account_id: str, spec: dict[str, Any], *more: Any, **named: Any) -> None:
        self.emulator_config = {m: spec[m] for m in _KEPT if spec.get(m)}
        create(self, account_id, spec, *more, **named)

    @functools.wraps(update)
    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        changed = {m: config_updates[m] for m in _KEPT if m in config_updates}
        # A published version has a copy of this object, not of what it refers to.
        self.emulator_config = {**self.emulator_config, **changed}
        if config_updates.get("EphemeralStorage"):
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        if config_updates.get("TracingConfig"):
            self.tracing_config = config_updates["TracingConfig"]
        return update(self, config_updates)

    @functools.wraps(describe)
    def get_configuration(self: Any, *args: Any, **named: Any) -> Any:
        config = describe(self, *args, **named)
        target = kept(self, "DeadLetterConfig").get("TargetArn")
        if target:
            config["DeadLetterConfig"] = {"TargetArn": target}
        config["LoggingConfig"] = {
            "LogFormat": "Text",
            "LogGroup": f"/aws/lambda/{self.function_name}",
            **kept(self, "LoggingConfig"),
        }
        return config

    def invoke(self: Any, body: str, *_: Any) -> str:
        for take in _takes:
            take(self.function_arn, body.encode())
        return ""

    function.__init__ = made
    function.update_configuration = update_configuration
    function.get_configuration = get_configuration
    function.invoke = invoke


def _extend_backend(backend: Any, configuration: Any) -> None:
    def put(self: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        function = self.get_function(function_name)
        made = configuration(function.function_arn, function.last_modified, config)
        function.event_invoke_config = [made]
        answer: dict[str, Any] = made.response()
        return answer

    def update(self: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        known = self.get_function(function_name).event_invoke_config
        return put(self, function_name, {**(known[0].config if known else {}), **config})

    backend.put_function_event_invoke_config = put
    backend.update_function_event_invoke_config = update
