"""Roles for tests that are not about permissions: trusted by services, allowed everything."""

from __future__ import annotations

import json
from typing import Any


def open_role(iam: Any, name: str, *services: str) -> str:
    """Make a role that ``services`` (``lambda``, ``states``) may assume; its ARN."""
    principals = [f"{service}.amazonaws.com" for service in services]
    trust = _document(Action="sts:AssumeRole", Principal={"Service": principals})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    everything = _document(Action="*", Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=everything)
    return str(role["Arn"])


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
