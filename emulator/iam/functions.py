"""The policies of functions: who may invoke them from another account, and which services.

Source: "Using resource-based policies for Lambda".
"""

from __future__ import annotations

import functools
import json
from typing import Any

from emulator.core.logs import Lane
from emulator.core.policy import keys
from emulator.core.policy.documents import Grammar, Policy, parse
from emulator.core.policy.rulings import Ruling

GRAMMAR = Grammar("a function's policy", keys.ALL, principals=True, variables=False)
NOT_INVITED = Ruling(
    "neutral", "because no resource-based policy allows the lambda:InvokeFunction action"
)
_MEMBERS = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


async def policy(lane: Lane, arn: str) -> Policy | None:
    """The policy of the function with this ARN (qualified or not); None when it has none."""
    parts = arn.split(":")
    account, region, name = parts[4], parts[3], parts[6]
    statements = await lane.run(lambda: _statements(account, region, name))
    return _compiled(json.dumps({"Statement": statements})) if statements else None


def _statements(account: str, region: str, name: str) -> list[dict[str, Any]]:
    """The statements that AddPermission made; on the lane."""
    from moto.awslambda.exceptions import UnknownFunctionException  # noqa: PLC0415 (slow import)
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415 (slow import)

    try:
        known = lambda_backends[account][region].get_function(name)
    except (UnknownFunctionException, KeyError):
        return []
    found = []
    for raw in known.policy.statements:
        statement = {name: raw[name] for name in _MEMBERS if raw.get(name)}
        statement["Principal"] = _principal(statement.get("Principal"))
        found.append(statement)
    return found


def _principal(given: Any) -> Any:
    """AddPermission takes an account's number, too, which moto keeps as it is."""
    return {"AWS": given} if isinstance(given, str) and given != "*" else given


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Policy:
    return parse(text, GRAMMAR)
