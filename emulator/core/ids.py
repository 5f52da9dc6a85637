"""Identifiers as AWS writes them: ARNs, request ids, session keys."""

from __future__ import annotations

import secrets
import uuid

ACCOUNT = "000000000000"
ACCOUNT_DIGITS = 12
REGION = "us-east-1"
PARTITION = "aws"


def arn(service: str, resource: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    """``arn:aws:service:region:account:resource``."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def request_id() -> str:
    """A request id (a UUID)."""
    return str(uuid.uuid4())


def hex_id(digits: int = 32) -> str:
    """A random lower-case hexadecimal id of ``digits`` digits (even)."""
    return secrets.token_hex(digits // 2)


def session_access_key() -> str:
    """An access key id of temporary credentials: ``ASIA`` and 16 characters."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "ASIA" + "".join(secrets.choice(alphabet) for _ in range(16))
