"""Distributions and their invalidations.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistribution.html

A distribution is deployed as soon as it is created or changed: the emulator has one edge, and it
serves the new configuration with the next request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.cloudfront.policies import listing, paged
from emulator.cloudfront.records import Record, Records, new_id
from emulator.core import ids
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.core.timings import FAST, Timings

Serve = Callable[[str, Mapping[str, Any] | None], None]
"""``serve(id, config)``: serve it from now on; None: no longer. Raises AwsError to refuse it."""
Invalidate = Callable[[str, list[str], float], None]

_MISSING: dict[str, Any] = {
    "Aliases": {"Quantity": 0},
    "DefaultRootObject": "",
    "OriginGroups": {"Quantity": 0},
    "CacheBehaviors": {"Quantity": 0},
    "CustomErrorResponses": {"Quantity": 0},
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "PriceClass": "PriceClass_All",
    "ViewerCertificate": {
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    },
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "WebACLId": "",
    "HttpVersion": "http2",
    "IsIPV6Enabled": False,
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
}
_MISSING_OF_ORIGIN: dict[str, Any] = {
    "OriginPath": "",
    "CustomHeaders": {"Quantity": 0},
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "OriginShield": {"Enabled": False},
    "OriginAccessControlId": "",
}
_MISSING_OF_BEHAVIOUR: dict[str, Any] = {
    "TrustedSigners": {"Enabled": False, "Quantity": 0},
    "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
    "SmoothStreaming": False,
    "Compress": False,
    "LambdaFunctionAssociations": {"Quantity": 0},
    "FunctionAssociations": {"Quantity": 0},
    "FieldLevelEncryptionId": "",
    "GrpcConfig": {"Enabled": False},
}
_SUMMARY = (
    "Aliases", "Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors",
    "CustomErrorResponses", "Comment", "PriceClass", "Enabled", "ViewerCertificate",
    "Restrictions", "WebACLId", "HttpVersion", "IsIPV6Enabled", "Staging",
)  # fmt: skip


class Distributions:
    """All distributions; ``serve`` and ``invalidate`` are the edge's.

    ``timings`` says how long a change takes to reach the edge.
    """

    def __init__(
        self,
        clock: Clock,
        serve: Serve,
        invalidate: Invalidate,
        timings: Callable[[], Timings] = lambda: FAST,
    ) -> None:
        self._clock = clock
        self._serve = serve
        self._invalidate = invalidate
        self._timings = timings
        self.records = Records(clock, "NoSuchDistribution", "Distribution")

    def operations(self) -> Iterator[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]]:
        """The API's operations, by name."""
        yield "CreateDistribution", self.create
        yield "CreateDistributionWithTags", self.create
        yield "GetDistribution", self.get
        yield "GetDistributionConfig", self.get_config
        yield "UpdateDistribution", self.update
        yield "DeleteDistribution", self.delete
        yield "ListDistributions", self.list
        yield "CreateInvalidation", self.invalidate
        yield "GetInvalidation", self.get_invalidation
        yield "ListInvalidations", self.list_invalidations

    def names(self, wanted: str) -> bool:
        """Whether any distribution has ``wanted`` (a policy's id, a function's ARN) in it."""
        return any(_contains(record.config, wanted) for record in self.records)

    def reserve(self) -> None:
        """Serve all of them again: something that they are made of has changed."""
        for record in self.records:
            self._apply(record)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Keep and serve a new one; the caller's reference makes it unique."""
        tagged = params.get("DistributionConfigWithTags") or params
        config = completed(tagged["DistributionConfig"])
        reference = config["CallerReference"]
        if any(r.config["CallerReference"] == reference for r in self.records):
            raise AwsError(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated "
                "with another distribution.",
                409,
            )
        record_id = new_id()
        if config["Enabled"]:
            self._serve(record_id, config)
        record = self.records.add(record_id, config)
        tags = tagged.get("Tags") or {}
        record.tags = {t["Key"]: t.get("Value", "") for t in tags.get("Items", [])}
        record.more = {"invalidations": {}, "deployed_at": self._deployed_at()}
        return {**self._whole(record), "Location": f"/2020-05-31/distribution/{record.id}"}

    def get(self, params: dict[str, Any]) -> dict[str, Any]:
        """The distribution with its state."""
        return self._whole(self.records.get(params["Id"]))

    def get_config(self, params: dict[str, Any]) -> dict[str, Any]:
        """The configuration alone."""
        record = self.records.get(params["Id"])
        return {"DistributionConfig": record.config, "ETag": record.etag}

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """Replace the configuration, and serve it."""
        record = self.records.matched(params["Id"], params.get("IfMatch"), "Update")
        config = completed(params["DistributionConfig"])
        if config["CallerReference"] != record.config["CallerReference"]:
            raise AwsError("IllegalUpdate", "The caller reference cannot be changed.")
        self._serve(record.id, config if config["Enabled"] else None)
        record.more["deployed_at"] = self._deployed_at()
        return self._whole(self.records.update(record.id, params.get("IfMatch"), config))

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Forget one that is disabled."""
        record = self.records.matched(params["Id"], params.get("IfMatch"), "Delete")
        if record.config["Enabled"]:
            raise AwsError(
                "DistributionNotDisabled",
                "The distribution you are trying to delete has not been disabled.",
                409,
            )
        self.records.remove(record.id, params.get("IfMatch"))
        self._serve(record.id, None)
        return {}

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """A page of summaries."""
        page, marker = paged(list(self.records), params)
        items = []
        for record in page:
            whole = self._whole(record)["Distribution"]
            config = whole.pop("DistributionConfig")
            items.append({**whole, **{k: config[k] for k in _SUMMARY}, "ETag": record.etag})
        return {"DistributionList": listing(items, params, marker)}

    def invalidate(self, params: dict[str, Any]) -> dict[str, Any]:
        """Make the edge forget, once the invalidation has reached it."""
        record = self.records.get(params["DistributionId"])
        batch = params["InvalidationBatch"]
        kept = record.more["invalidations"]
        for known in kept.values():
            if known["InvalidationBatch"]["CallerReference"] == batch["CallerReference"]:
                if known["InvalidationBatch"] != batch:
                    raise AwsError(
                        "InvalidationBatchAlreadyExists", "The caller reference is taken.", 409
                    )
                return self._invalidation(record, known)
        after_s = self._timings().of("invalidation")
        self._invalidate(record.id, list(batch["Paths"].get("Items", [])), after_s)
        made = {
            "Id": new_id("I"),
            "Status": "Completed" if after_s <= 0 else "InProgress",
            "CreateTime": self.records.now(),
            "InvalidationBatch": batch,
        }
        if after_s > 0:
            self._clock.call_later(after_s, lambda: made.update(Status="Completed"))
        kept[made["Id"]] = made
        return self._invalidation(record, made)

    def get_invalidation(self, params: dict[str, Any]) -> dict[str, Any]:
        """One invalidation."""
        record = self.records.get(params["DistributionId"])
        found = record.more["invalidations"].get(params["Id"])
        if found is None:
            raise AwsError("NoSuchInvalidation", "There is no such invalidation.", 404)
        return {"Invalidation": found}

    def list_invalidations(self, params: dict[str, Any]) -> dict[str, Any]:
        """All invalidations of a distribution, newest first."""
        record = self.records.get(params["DistributionId"])
        items = [
            {k: made[k] for k in ("Id", "CreateTime", "Status")}
            for made in reversed(record.more["invalidations"].values())
        ]
        return {"InvalidationList": listing(items, params, None)}

    def _invalidation(self, record: Record, made: dict[str, Any]) -> dict[str, Any]:
        path = f"/2020-05-31/distribution/{record.id}/invalidation/{made['Id']}"
        return {"Invalidation": made, "Location": path}

    def _apply(self, record: Record) -> None:
        self._serve(record.id, record.config if record.config["Enabled"] else None)

    def _deployed_at(self) -> float:
        return self._clock.now() + self._timings().of("distribution_change")

    def _whole(self, record: Record) -> dict[str, Any]:
        under_way = [i for i in record.more["invalidations"].values() if i["Status"] != "Completed"]
        deployed = self._clock.now() >= record.more["deployed_at"]
        return {
            "Distribution": {
                "Id": record.id,
                "ARN": arn(record.id),
                "Status": "Deployed" if deployed else "InProgress",
                "LastModifiedTime": record.modified,
                "InProgressInvalidationBatches": len(under_way),
                "DomainName": f"{record.id.lower()}.cloudfront.net",
                "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
                "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
                "DistributionConfig": record.config,
            },
            "ETag": record.etag,
        }


def arn(distribution_id: str) -> str:
    """The ARN of a distribution."""
    return ids.arn("cloudfront", f"distribution/{distribution_id}", region="")


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it was sent, with the members that CloudFront fills in."""
    whole = {**_MISSING, **config}
    whole["Origins"] = {
        **config["Origins"],
        "Items": [{**_MISSING_OF_ORIGIN, **o} for o in config["Origins"].get("Items", [])],
    }
    certificate = config.get("ViewerCertificate") or {}
    if certificate.get("CloudFrontDefaultCertificate"):
        whole["ViewerCertificate"] = {**_MISSING["ViewerCertificate"], **certificate}
    whole["DefaultCacheBehavior"] = _behaviour(config["DefaultCacheBehavior"])
    behaviours = config.get("CacheBehaviors") or {"Quantity": 0}
    if behaviours.get("Items"):
        items = [_behaviour(item) for item in behaviours["Items"]]
        whole["CacheBehaviors"] = {**behaviours, "Items": items}
    return whole


def _behaviour(item: Mapping[str, Any]) -> dict[str, Any]:
    reads = ["GET", "HEAD"]
    methods = item.get("AllowedMethods") or {"Quantity": len(reads), "Items": reads}
    if "CachedMethods" not in methods:
        methods = {**methods, "CachedMethods": {"Quantity": len(reads), "Items": reads}}
    return {**_MISSING_OF_BEHAVIOUR, **item, "AllowedMethods": methods}


def _contains(part: Any, wanted: str) -> bool:
    if isinstance(part, Mapping):
        return any(_contains(value, wanted) for value in part.values())
    if isinstance(part, list):
        return any(_contains(item, wanted) for item in part)
    return bool(part == wanted)
