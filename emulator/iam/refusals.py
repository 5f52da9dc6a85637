"""AccessDenied in each service's own words.

Sources: the services' "Common errors" pages, and the protocols in the SDK's models: JSON services
say AccessDeniedException with 400, REST ones with 403, query and XML ones AccessDenied with 403.
"""

from __future__ import annotations

import functools

from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported
from emulator.core.models import service_model
from emulator.core.policy.rulings import Ruling, denial

_OWN: dict[str, tuple[str, int]] = {
    "s3": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
    "monitoring": ("AccessDenied", 403),
    "cloudwatch": ("AccessDenied", 403),
    "states": ("AccessDeniedException", 400),
    "ecs": ("AccessDeniedException", 400),
    "lambda": ("AccessDeniedException", 403),
    "sts": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
}
_BY_PROTOCOL: dict[str, tuple[str, int]] = {
    "json": ("AccessDeniedException", 400),
    "smithy-rpc-v2-cbor": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "rest-xml": ("AccessDenied", 403),
    "query": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
}


def refusal(service: str, caller: Caller, action: str, resource: str, ruling: Ruling) -> AwsError:
    """The error of a call that may not be made."""
    code, status = _code(service)
    shown = "" if resource == "*" and service != "s3" else resource
    message = denial(caller, action, shown, ruling)
    fields = {"Message": message} if service == "lambda" else {}
    return AwsError(code, message, status, fields)


@functools.cache
def _code(service: str) -> tuple[str, int]:
    if service in _OWN:
        return _OWN[service]
    try:
        return _BY_PROTOCOL[service_model(service).resolved_protocol]
    except (NotSupported, KeyError):
        return ("AccessDeniedException", 403)
