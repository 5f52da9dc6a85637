"""CORS by the bucket's own rules.

Source: "Using cross-origin resource sharing (CORS)" of the S3 user guide, and Fetch's preflight.
A preflight is answered before any signature check; an actual request gets headers only when its
Origin and method match a rule, errors included.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import errors
from emulator.s3.model import Bucket

RULES_MAX = 100
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_REFUSED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "
    "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are "
    "not whitelisted by the resource's CORS spec."
)


def validate(configuration: dict[str, Any]) -> dict[str, Any]:
    """Check rules before they are stored."""
    rules = configuration.get("CORSRules") or []
    if not 1 <= len(rules) <= RULES_MAX:
        raise errors.malformed_xml()
    for rule in rules:
        if not rule.get("AllowedMethods") or not rule.get("AllowedOrigins"):
            raise errors.malformed_xml()
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                raise errors.invalid_request(
                    f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                )
        for name, one in (("AllowedOrigin", "AllowedOrigins"), ("AllowedHeader", "AllowedHeaders")):
            for pattern in rule.get(one, []):
                if pattern.count("*") > 1:
                    raise errors.invalid_request(
                        f'{name} "{pattern}" can not have more than one wildcard.'
                    )
        for header in rule.get("ExposeHeaders", []):
            if "*" in header:
                raise errors.invalid_request(
                    f'ExposeHeader "{header}" contains wildcard. We currently do not support '
                    "wildcard for ExposeHeader."
                )
    return configuration


def preflight(
    bucket: Bucket | None, headers: Mapping[str, str], *, on_object: bool
) -> dict[str, str]:
    """The headers that answer an OPTIONS request; raises 400 BadRequest, 403 AccessForbidden."""
    origin = headers.get("origin")
    method = headers.get("access-control-request-method")
    if not origin:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.")
    resource = "OBJECT" if on_object else "BUCKET"
    if bucket is None:
        raise _forbidden("CORSResponse: Bucket not found", method or "OPTIONS", "BUCKET")
    rules = _rules(bucket)
    if not rules:
        message = "CORSResponse: CORS is not enabled for this bucket."
        raise _forbidden(message, method or "OPTIONS", "BUCKET")
    if method not in METHODS:
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}")
    asked = [
        name.strip()
        for name in headers.get("access-control-request-headers", "").split(",")
        if name.strip()
    ]
    for rule in rules:
        if _matches(rule, origin, method) and all(_allows(rule, name) for name in asked):
            answer = _headers(rule, origin)
            if asked:
                answer["Access-Control-Allow-Headers"] = ", ".join(name.lower() for name in asked)
            return answer
    raise _forbidden(_REFUSED, method, resource)


def actual(bucket: Bucket | None, method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a response to an actual request (none without a matching rule)."""
    origin = headers.get("origin")
    if not origin or bucket is None:
        return {}
    for rule in _rules(bucket):
        if _matches(rule, origin, method):
            return _headers(rule, origin)
    return {}


def _rules(bucket: Bucket) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = bucket.config.get("cors", {}).get("CORSRules", [])
    return rules


def _matches(rule: dict[str, Any], origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and _origin(rule, origin) is not None


def _origin(rule: dict[str, Any], origin: str) -> str | None:
    for pattern in rule["AllowedOrigins"]:
        if _pattern(pattern).fullmatch(origin):
            return str(pattern)
    return None


def _allows(rule: dict[str, Any], header: str) -> bool:
    patterns = rule.get("AllowedHeaders", [])
    return any(_pattern(one.lower()).fullmatch(header.lower()) for one in patterns)


def _headers(rule: dict[str, Any], origin: str) -> dict[str, str]:
    anyone = _origin(rule, origin) == "*"
    answer = {"Access-Control-Allow-Origin": "*" if anyone else origin}
    if not anyone:
        answer["Access-Control-Allow-Credentials"] = "true"
    answer["Access-Control-Allow-Methods"] = ", ".join(rule["AllowedMethods"])
    if rule.get("ExposeHeaders"):
        answer["Access-Control-Expose-Headers"] = ", ".join(rule["ExposeHeaders"])
    if "MaxAgeSeconds" in rule:
        answer["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    answer["Vary"] = VARY
    return answer


@functools.lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))


def _forbidden(message: str, method: str, resource: str) -> AwsError:
    return AwsError("AccessForbidden", message, 403, {"Method": method, "ResourceType": resource})
