"""Cache, origin request and response headers policies, and origin access controls.

Four kinds with one life: create, get, update, delete, list. The managed policies are those that the
edge serves: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/\
using-managed-cache-policies.html and using-managed-origin-request-policies.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from emulator.cloudfront.records import Record, Records, new_id
from emulator.core.clock import Clock
from emulator.core.errors import AwsError

PAGE = 100


@dataclass(frozen=True)
class Kind:
    """A kind of policy: ``name`` as in ``Get{name}``, and the plural of ``List{plural}``."""

    name: str
    plural: str

    @property
    def config(self) -> str:
        """The member that carries the configuration."""
        return f"{self.name}Config"


CACHE = Kind("CachePolicy", "CachePolicies")
ORIGIN_REQUEST = Kind("OriginRequestPolicy", "OriginRequestPolicies")
RESPONSE_HEADERS = Kind("ResponseHeadersPolicy", "ResponseHeadersPolicies")
ACCESS_CONTROL = Kind("OriginAccessControl", "OriginAccessControls")
KINDS = (CACHE, ORIGIN_REQUEST, RESPONSE_HEADERS, ACCESS_CONTROL)

_NONE = {"HeaderBehavior": "none"}
_KEY = {
    "EnableAcceptEncodingGzip": True,
    "EnableAcceptEncodingBrotli": True,
    "HeadersConfig": _NONE,
    "CookiesConfig": {"CookieBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}
MANAGED: dict[Kind, dict[str, dict[str, Any]]] = {
    CACHE: {
        "658327ea-f89d-4fab-a63d-7e88639e58f6": {
            "Name": "Managed-CachingOptimized",
            "Comment": "Policy with caching enabled. Supports Gzip and Brotli compression.",
            "MinTTL": 1,
            "DefaultTTL": 86_400,
            "MaxTTL": 31_536_000,
            "ParametersInCacheKeyAndForwardedToOrigin": _KEY,
        },
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": {
            "Name": "Managed-CachingDisabled",
            "Comment": "Policy with caching disabled",
            "MinTTL": 0,
            "DefaultTTL": 0,
            "MaxTTL": 0,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                **_KEY,
                "EnableAcceptEncodingGzip": False,
                "EnableAcceptEncodingBrotli": False,
            },
        },
    },
    ORIGIN_REQUEST: {
        "b689b0a8-53d0-40ab-baf2-68738e2966ac": {
            "Name": "Managed-AllViewerExceptHostHeader",
            "Comment": "Policy to forward all parameters in viewer requests except for the Host "
            "header",
            "HeadersConfig": {
                "HeaderBehavior": "allExcept",
                "Headers": {"Quantity": 1, "Items": ["host"]},
            },
            "CookiesConfig": {"CookieBehavior": "all"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    },
    RESPONSE_HEADERS: {},
    ACCESS_CONTROL: {},
}

InUse = Callable[[str], bool]


class Policies:
    """The policies of one kind; ``in_use`` says whether a distribution names an id."""

    def __init__(self, kind: Kind, clock: Clock, in_use: InUse) -> None:
        self.kind = kind
        self._in_use = in_use
        self.records = Records(clock, f"NoSuch{kind.name}", kind.name)
        for policy_id, config in MANAGED[kind].items():
            self.records.add(policy_id, config, managed=True)

    def operations(self) -> Iterator[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]]:
        """The API's operations on this kind, by name."""
        name = self.kind.name
        yield f"Create{name}", self.create
        yield f"Get{name}", self.get
        yield f"Get{name}Config", self.get_config
        yield f"Update{name}", self.update
        yield f"Delete{name}", self.delete
        yield f"List{self.kind.plural}", self.list

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Keep a new one; names are unique."""
        config = params[self.kind.config]
        self._unique(config["Name"], None)
        record = self.records.add(new_id(), config)
        return {**self._whole(record), "Location": f"/2020-05-31/{record.id}"}

    def get(self, params: dict[str, Any]) -> dict[str, Any]:
        """The policy with its id and time."""
        return self._whole(self.records.get(params["Id"]))

    def get_config(self, params: dict[str, Any]) -> dict[str, Any]:
        """The configuration alone."""
        record = self.records.get(params["Id"])
        return {self.kind.config: record.config, "ETag": record.etag}

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """Replace the configuration."""
        config = params[self.kind.config]
        self.records.matched(params["Id"], params.get("IfMatch"), "Update")
        self._unique(config["Name"], params["Id"])
        return self._whole(self.records.update(params["Id"], params.get("IfMatch"), config))

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Forget one that no distribution uses."""
        self.records.matched(params["Id"], params.get("IfMatch"), "Delete")
        if self._in_use(params["Id"]):
            raise AwsError(
                f"{self.kind.name}InUse", "It is attached to one or more cache behaviors.", 409
            )
        self.records.remove(params["Id"], params.get("IfMatch"))
        return {}

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """A page; ``Type`` is ``managed`` or ``custom``."""
        wanted = params.get("Type")
        chosen = [r for r in self.records if wanted in {None, "managed" if r.managed else "custom"}]
        page, marker = paged(chosen, params)
        if self.kind is ACCESS_CONTROL:
            items = [{"Id": r.id, "Description": "", **r.config} for r in page]
            return {"OriginAccessControlList": listing(items, params, marker)}
        items = [
            {
                "Type": "managed" if record.managed else "custom",
                self.kind.name: self._inner(record),
            }
            for record in page
        ]
        more = {"NextMarker": marker} if marker else {}
        return {
            f"{self.kind.name}List": {
                "MaxItems": size_of(params),
                "Quantity": len(items),
                "Items": items,
                **more,
            }
        }

    def _unique(self, name: str, own_id: str | None) -> None:
        if any(r.config["Name"] == name and r.id != own_id for r in self.records):
            raise AwsError(f"{self.kind.name}AlreadyExists", f"The name {name} is taken.", 409)

    def _inner(self, record: Record) -> dict[str, Any]:
        inner: dict[str, Any] = {"Id": record.id, self.kind.config: record.config}
        if self.kind is not ACCESS_CONTROL:
            inner["LastModifiedTime"] = record.modified
        return inner

    def _whole(self, record: Record) -> dict[str, Any]:
        return {self.kind.name: self._inner(record), "ETag": record.etag}


def size_of(params: dict[str, Any]) -> int:
    """How many items a page may have."""
    try:
        size = int(params.get("MaxItems") or PAGE)
    except ValueError as error:
        raise AwsError("InvalidArgument", "MaxItems must be a number.") from error
    if not 1 <= size <= PAGE:
        raise AwsError("InvalidArgument", f"MaxItems must be 1 to {PAGE}.")
    return size


def paged(records: list[Record], params: dict[str, Any]) -> tuple[list[Record], str | None]:
    """A page of ``records`` after ``Marker``, and the marker of the next one."""
    start = 0
    marker = params.get("Marker")
    if marker:
        found = [i for i, r in enumerate(records) if r.id == marker]
        if not found:
            raise AwsError("InvalidArgument", f"The marker {marker!r} is not valid.")
        start = found[0] + 1
    page = records[start : start + size_of(params)]
    more = start + len(page) < len(records)
    return page, page[-1].id if more else None


def listing(items: list[dict[str, Any]], params: dict[str, Any], marker: str | None) -> Any:
    """A list in CloudFront's older form, with IsTruncated."""
    return {
        "Marker": params.get("Marker") or "",
        "MaxItems": size_of(params),
        "IsTruncated": marker is not None,
        "Quantity": len(items),
        "Items": items,
        **({"NextMarker": marker} if marker else {}),
    }
