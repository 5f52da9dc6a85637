"""A distribution as the edge serves it, read from CloudFront's DistributionConfig.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.edge.functions import ViewerRequest
from emulator.edge.headers import headers_of

ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""The managed origin request policy: every header but Host, all cookies, the query string."""

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
BEHAVIOURS_MAX = 75
ERROR_TTL_S = 10.0
"""How long an error is kept when the distribution does not say."""

READ_TIMEOUT_S = 30.0
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/\
DownloadDistValuesOrigin.html#DownloadDistValuesOriginResponseTimeout"""

_S3_DOMAIN = re.compile(r"^(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$")
_API_DOMAIN = re.compile(r"^(?P<api>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")


@dataclass(frozen=True)
class CachePolicy:
    """How long answers are kept (seconds), and whether gzip variants are."""

    min_ttl_s: float
    default_ttl_s: float
    max_ttl_s: float
    gzip: bool


CACHE_POLICIES: dict[str, CachePolicy] = {
    CACHING_OPTIMIZED: CachePolicy(1.0, 86_400.0, 31_536_000.0, gzip=True),
    CACHING_DISABLED: CachePolicy(0.0, 0.0, 0.0, gzip=False),
}
"""CloudFront's managed policies: https://docs.aws.amazon.com/AmazonCloudFront/latest/\
DeveloperGuide/using-managed-cache-policies.html"""


@dataclass(frozen=True)
class BucketOrigin:
    """An S3 bucket; ``prefix`` is the origin path."""

    bucket: str
    prefix: str


@dataclass(frozen=True)
class ApiOrigin:
    """A stage of a REST API (the first segment of the origin path); ``prefix`` what follows it.

    ``read_timeout_s`` is how long it may send nothing before the edge gives an answer up.
    """

    api_id: str
    stage: str
    prefix: str
    domain: str
    read_timeout_s: float = READ_TIMEOUT_S


Origin = BucketOrigin | ApiOrigin


@dataclass(frozen=True)
class Behaviour:
    """What happens to requests whose path fits ``pattern`` (``*`` for the default behaviour)."""

    pattern: re.Pattern[str]
    origin: Origin
    methods: frozenset[str]
    cache: CachePolicy
    compress: bool
    forward_all: bool
    viewer_request: ViewerRequest | None
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Distribution:
    """A distribution; ``behaviours`` are in order, the default one is the last."""

    id: str
    behaviours: tuple[Behaviour, ...]
    root_object: str
    error_ttl_s: Mapping[int, float] = field(default_factory=dict)

    def behaviour(self, path: str) -> Behaviour:
        """The first behaviour whose pattern fits the path."""
        return next(b for b in self.behaviours if b.pattern.fullmatch(path))


def from_config(
    distribution_id: str,
    config: Mapping[str, Any],
    functions: Mapping[str, str],
    header_policies: Mapping[str, Mapping[str, Any]],
    cache_policies: Mapping[str, Mapping[str, Any]],
) -> Distribution:
    """Read a DistributionConfig.

    ``functions`` gives the live code of each function ARN, ``header_policies`` and
    ``cache_policies`` the configurations of policies by id (the managed cache policies are known).
    Raises NotSupported for what is not emulated, AwsError InvalidArgument for what leads nowhere.
    """
    _refuse_unserved(config)
    origins = {o["Id"]: _origin(o) for o in config["Origins"]["Items"]}
    policies = {**{k: _cache_policy(v) for k, v in cache_policies.items()}, **CACHE_POLICIES}
    items = config.get("CacheBehaviors", {}).get("Items", [])
    _refuse_api_caching(config, items, origins, policies)
    if len(items) > BEHAVIOURS_MAX:
        raise AwsError("TooManyCacheBehaviors", f"At most {BEHAVIOURS_MAX} behaviours.", 400)
    behaviours = [
        Behaviour(
            pattern=_pattern(item.get("PathPattern", "*")),
            origin=_known(origins, item["TargetOriginId"], "origin"),
            methods=frozenset(item.get("AllowedMethods", {}).get("Items", ["GET", "HEAD"])),
            cache=_known(policies, item.get("CachePolicyId", ""), "cache policy"),
            compress=bool(item.get("Compress")),
            forward_all=_forwards_all(item),
            viewer_request=_viewer_request(item, functions),
            headers=_headers(item, header_policies),
        )
        for item in [*items, {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
    ]
    return Distribution(
        id=distribution_id,
        behaviours=tuple(behaviours),
        root_object=str(config.get("DefaultRootObject", "")),
        error_ttl_s=dict(_error_ttls(config)),
    )


def _refuse_unserved(config: Mapping[str, Any]) -> None:
    """What would change which requests are answered, or be written, and is not done here."""
    geography = (config.get("Restrictions") or {}).get("GeoRestriction") or {}
    for there, what in (
        (config.get("WebACLId"), "a web ACL"),
        (geography.get("RestrictionType", "none") != "none", "geographic restrictions"),
        ((config.get("Logging") or {}).get("Enabled"), "the CDN's logs"),
    ):
        if there:
            raise NotSupported(what)
    certificate = config.get("ViewerCertificate") or {}
    if (config.get("Aliases") or {}).get("Items") and not certificate.get("ACMCertificateArn"):
        raise AwsError(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach "
            "a trusted certificate that validates your authorization to use the domain name.",
        )


def _refuse_api_caching(
    config: Mapping[str, Any],
    items: list[Mapping[str, Any]],
    origins: Mapping[str, Origin],
    policies: Mapping[str, CachePolicy],
) -> None:
    for item in [*items, config["DefaultCacheBehavior"]]:
        origin = origins.get(item["TargetOriginId"])
        policy = policies.get(item.get("CachePolicyId", ""))
        if isinstance(origin, ApiOrigin) and policy is not None and policy.max_ttl_s > 0:
            raise NotSupported("caching of API Gateway's answers")


def _origin(item: Mapping[str, Any]) -> Origin:
    domain, path = item["DomainName"], item.get("OriginPath", "") or ""
    if found := _S3_DOMAIN.match(domain):
        if not item.get("OriginAccessControlId"):
            # The bucket would have to be public.
            raise NotSupported("an S3 origin without an origin access control")
        return BucketOrigin(found["bucket"], path)
    if found := _API_DOMAIN.match(domain):
        stage, _, rest = path.strip("/").partition("/")
        if not stage:
            raise NotSupported("an API Gateway origin without its stage as the origin path")
        custom = item.get("CustomOriginConfig") or {}
        timeout_s = float(custom.get("OriginReadTimeout") or READ_TIMEOUT_S)
        return ApiOrigin(found["api"], stage, f"/{rest}" if rest else "", domain, timeout_s)
    raise NotSupported(f"the origin {domain!r}")


def _known(known: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in known:
        raise AwsError("InvalidArgument", f"There is no {what} {key!r}.", 400)
    return known[key]


def _forwards_all(item: Mapping[str, Any]) -> bool:
    policy = item.get("OriginRequestPolicyId")
    if policy not in {None, "", ALL_VIEWER_EXCEPT_HOST}:
        raise NotSupported(f"the origin request policy {policy!r}")
    return bool(policy)


def _cache_policy(config: Mapping[str, Any]) -> CachePolicy:
    """A cache policy of one's own; raises NotSupported for a key of more than path and gzip."""
    key = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    for member, behaviour in (
        ("HeadersConfig", "HeaderBehavior"),
        ("CookiesConfig", "CookieBehavior"),
        ("QueryStringsConfig", "QueryStringBehavior"),
    ):
        if (key.get(member) or {}).get(behaviour, "none") != "none":
            raise NotSupported(f"{member} in the key of a cache policy")
    minimum = float(config["MinTTL"])
    return CachePolicy(
        minimum,
        float(config.get("DefaultTTL", max(86_400.0, minimum))),
        float(config.get("MaxTTL", max(31_536_000.0, minimum))),
        gzip=bool(key.get("EnableAcceptEncodingGzip")),
    )


def _viewer_request(item: Mapping[str, Any], functions: Mapping[str, str]) -> ViewerRequest | None:
    found = None
    for association in item.get("FunctionAssociations", {}).get("Items", []):
        if association["EventType"] != "viewer-request":
            raise NotSupported(f"functions on {association['EventType']}")
        code = functions.get(association["FunctionARN"])
        if code is None:
            raise AwsError(
                "InvalidFunctionAssociation",
                f"There is no published function {association['FunctionARN']!r}.",
            )
        found = ViewerRequest(code)
    if item.get("LambdaFunctionAssociations", {}).get("Items"):
        raise NotSupported("Lambda@Edge")
    return found


def _headers(
    item: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, str]:
    policy = item.get("ResponseHeadersPolicyId")
    return headers_of(_known(policies, policy, "response headers policy")) if policy else {}


def _error_ttls(config: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    for item in config.get("CustomErrorResponses", {}).get("Items", []):
        if item.get("ResponsePagePath"):
            # It would also turn the API's 404 into a page.
            raise NotSupported("custom error pages")
        yield int(item["ErrorCode"]), float(item.get("ErrorCachingMinTTL", ERROR_TTL_S))


def _pattern(text: str) -> re.Pattern[str]:
    """CloudFront's path pattern: ``*`` is any text, ``?`` any one character, case counts."""
    if text == "*":
        return re.compile(r".*", re.DOTALL)
    absolute = text if text.startswith("/") else f"/{text}"
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in absolute)
    return re.compile("".join(parts), re.DOTALL)
