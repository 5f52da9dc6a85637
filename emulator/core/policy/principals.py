"""Who makes a request, and whom a policy's Principal element names.

Source: "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from emulator.core.bus import Caller

Match = Literal["", "named", "account"]
"""How a principal is meant: by its name (or by everybody's), or as one of its account."""

_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an ARN with its account, a service, or nobody (anonymous).

    ``role`` is the role's own ARN where ``arn`` is that of a session of it.
    """

    arn: str | None = None
    account: str | None = None
    service: str | None = None
    role: str | None = None


def principal_of(caller: Caller) -> Principal:
    """The principal of a call: a service when it is one that calls by itself."""
    return _principal(caller.principal, caller.account, caller.role_arn)


@functools.lru_cache(maxsize=4096)
def _principal(name: str, account: str, role_arn: str) -> Principal:
    if not name.startswith("arn:"):
        return Principal(service=name)
    return Principal(name, account, role=role_arn or None)


def is_root(principal: str) -> bool:
    """Whether an ARN is an account's root."""
    return principal.endswith(":root")


@functools.lru_cache(maxsize=4096)
def role_of(arn: str) -> str:
    """The role's ARN of an assumed-role session (anything else as it is).

    A session's ARN does not have the role's path; the ARN that is made here has none.
    """
    found = _SESSION.fullmatch(arn)
    return f"arn:aws:iam::{found[1]}:role/{found[2]}" if found else arn


@functools.lru_cache(maxsize=4096)
def role_name(arn: str) -> str | None:
    """The name of the role whose session an ARN is; None for other principals."""
    found = _SESSION.fullmatch(arn)
    return found[2] if found else None


def identifier(caller: Caller) -> str:
    """What ``aws:PrincipalArn`` says: of a session the role's ARN."""
    return caller.role_arn or role_of(caller.principal)


def kind_of(principal: str) -> str:
    """What ``aws:PrincipalType`` says."""
    if is_root(principal):
        return "Account"
    return "AssumedRole" if ":assumed-role/" in principal else "User"


def match(named: tuple[str, str], who: Principal) -> Match:
    """How one entry of a Principal element (its kind and its value) means ``who``."""
    kind, name = named
    if kind == "Service":
        return "named" if who.service is not None and name in {who.service, "*"} else ""
    if kind != "AWS":
        return ""
    if name == "*":
        return "named"
    if who.arn is None or who.account is None:
        return ""
    if name in {who.arn, who.role or role_of(who.arn)}:
        return "named"
    if name in {who.account, f"arn:aws:iam::{who.account}:root"}:
        return "named" if is_root(who.arn) else "account"
    return ""
