"""Response headers policies: which headers a distribution adds to every answer.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyConfig.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import NotSupported

_REFUSED = ("CorsConfig", "ServerTimingHeadersConfig", "RemoveHeadersConfig")


def headers_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a ResponseHeadersPolicyConfig; raises NotSupported for the rest of it."""
    for member in _REFUSED:
        part = config.get(member)
        if part and (part.get("Enabled") or part.get("Quantity") or member == "CorsConfig"):
            raise NotSupported(f"{member} of a response headers policy")
    headers = dict(_security(config.get("SecurityHeadersConfig") or {}))
    for item in (config.get("CustomHeadersConfig") or {}).get("Items", []):
        headers[item["Header"]] = item.get("Value", "")
    return headers


def _security(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if policy := config.get("ContentSecurityPolicy"):
        found.append(("Content-Security-Policy", policy["ContentSecurityPolicy"]))
    if transport := config.get("StrictTransportSecurity"):
        value = f"max-age={transport['AccessControlMaxAgeSec']}"
        value += "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
        value += "; preload" if transport.get("Preload") else ""
        found.append(("Strict-Transport-Security", value))
    if config.get("ContentTypeOptions"):
        found.append(("X-Content-Type-Options", "nosniff"))
    if frame := config.get("FrameOptions"):
        found.append(("X-Frame-Options", frame["FrameOption"]))
    if referrer := config.get("ReferrerPolicy"):
        found.append(("Referrer-Policy", referrer["ReferrerPolicy"]))
    if xss := config.get("XSSProtection"):
        value = "1" if xss["Protection"] else "0"
        value += "; mode=block" if xss.get("ModeBlock") else ""
        value += f"; report={xss['ReportUri']}" if xss.get("ReportUri") else ""
        found.append(("X-XSS-Protection", value))
    return found
