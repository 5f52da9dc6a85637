"""Where moto answers otherwise than AWS, and how it is put right: small, named patches.

Each is applied on moto's lane before the first call of its service.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any


def mend(path: str, target: str = "") -> None:
    """Apply the patches that a request may need, by its path or its X-Amz-Target."""
    for prefix, patch in _PATCHES.items():
        if path.startswith(prefix) or target.startswith(prefix):
            patch()
    # The query protocol has one path for every service: mended once somebody has used it.
    if path == "/" and "moto.ec2.models.security_groups" in sys.modules:
        rule_descriptions()


@cache
def method_settings() -> None:
    """Settings of methods below a path of several segments: ``api/runs/POST``.

    moto takes the first two segments for path and method. The method is what stands before the two
    that name the setting:
    https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
    """
    from moto.apigateway.models import Stage  # noqa: PLC0415 (slow import)

    first = Stage.apply_operations

    def apply_operations(self: Any, patch_operations: list[dict[str, Any]]) -> Any:
        rest = []
        for operation in patch_operations:
            parts = operation["path"].strip("/").split("/")
            key = "/".join(parts[-2:])
            known = self._method_settings_translations(key) is not None
            if operation["op"] == "replace" and len(parts) > 3 and known:  # noqa: PLR2004
                method = "/".join(parts[:-2])
                self._patch_method_setting(method, key, operation["value"])
            elif operation["op"] == "remove" and "/".join(parts) in self.method_settings:
                del self.method_settings["/".join(parts)]
            else:
                rest.append(operation)
        return first(self, rest)

    Stage.apply_operations = apply_operations  # type: ignore[method-assign]


@cache
def rule_descriptions() -> None:
    """The description of a rule of a security group that names another group.

    moto keeps it, and shows only those of address ranges:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
    """
    from moto.ec2.models.security_groups import SecurityGroupRule  # noqa: PLC0415 (slow import)

    def description(self: Any) -> str | None:
        found = self.ip_range.get("Description") or self.source_group.get("Description")
        return None if found is None else str(found)

    SecurityGroupRule.description = property(description)  # type: ignore[assignment]


@cache
def certificates() -> None:
    """A certificate is issued when its proof stands in Route53, for every name, and not before.

    moto issues after a minute, proven or not.
    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    from moto.acm.models import CertBundle  # noqa: PLC0415 (slow import)

    first = CertBundle.check

    def check(self: Any) -> None:
        pending = self.type == "AMAZON_ISSUED" and self.status == "PENDING_VALIDATION"
        first(self)
        if pending and self.status in {"PENDING_VALIDATION", "ISSUED"}:
            self.status = "ISSUED" if _proven(self) else "PENDING_VALIDATION"

    CertBundle.check = check  # type: ignore[method-assign]


def _proven(certificate: Any) -> bool:
    from moto.route53.models import route53_backends  # noqa: PLC0415 (slow import)

    stand = {
        (record.name.rstrip("."), value.rstrip("."))
        for backends in route53_backends.values()
        for backend in backends.values()
        for zone in backend.zones.values()
        for record in zone.rrsets
        if record.type == "CNAME"
        for value in record.records
    }
    asked = certificate.describe()["Certificate"].get("DomainValidationOptions", [])
    wanted = [option["ResourceRecord"] for option in asked]
    return all((r["Name"].rstrip("."), r["Value"].rstrip(".")) in stand for r in wanted)


_PATCHES: dict[str, Callable[[], None]] = {
    "/restapis": method_settings,
    "CertificateManager.": certificates,
}
