"""Deploys the CDN: function, response headers policies, distribution, from the declaration.

``terraform/modules/edge`` makes the same from the same lines of ``system/stack.json``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from emulator.edge.distribution import ALL_VIEWER_EXCEPT_HOST, CACHING_DISABLED, CACHING_OPTIMIZED
from system import stack

Call = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

READS = ["GET", "HEAD"]
EVERY = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]


async def deploy_cdn(
    call: Call, cdn: Mapping[str, Any], values: Mapping[str, str], api: tuple[str, str]
) -> str:
    """Make all of it by API calls; gives the distribution's id.

    ``cdn`` is the declaration's part with its placeholders filled, ``api`` the REST API's id and
    stage. Raises AwsError when a call is refused.
    """
    function_arn = await _function(call, cdn["function"])
    policies = {
        key: await _headers(call, policy, cdn["transport_security_s"])
        for key, policy in cdn["headers"].items()
    }
    control = await call(
        "cloudfront",
        "CreateOriginAccessControl",
        {
            "OriginAccessControlConfig": {
                "Name": f"{values['name']}-website",
                "Description": "",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        },
    )
    config = distribution_config(values, api, function_arn, policies, cdn["uncached_errors"])
    config["Origins"]["Items"][0]["OriginAccessControlId"] = control["OriginAccessControl"]["Id"]
    created = await call("cloudfront", "CreateDistribution", {"DistributionConfig": config})
    return str(created["Distribution"]["Id"])


async def _function(call: Call, function: Mapping[str, str]) -> str:
    created = await call(
        "cloudfront",
        "CreateFunction",
        {
            "Name": function["name"],
            "FunctionConfig": {"Comment": function["comment"], "Runtime": function["runtime"]},
            "FunctionCode": stack.text(function["code"]).encode(),
        },
    )
    published = await call(
        "cloudfront", "PublishFunction", {"Name": function["name"], "IfMatch": created["ETag"]}
    )
    return str(published["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])


async def _headers(call: Call, policy: Mapping[str, Any], transport_s: int) -> str:
    created = await call(
        "cloudfront",
        "CreateResponseHeadersPolicy",
        {"ResponseHeadersPolicyConfig": headers_config(policy, transport_s)},
    )
    return str(created["ResponseHeadersPolicy"]["Id"])


def headers_config(policy: Mapping[str, Any], transport_s: int) -> dict[str, Any]:
    """The ResponseHeadersPolicyConfig of a policy of the declaration."""
    custom = [
        {"Header": name, "Value": value, "Override": True}
        for name, value in policy["custom"].items()
    ]
    return {
        "Name": policy["name"],
        "Comment": "",
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": {
                "Override": True,
                "ContentSecurityPolicy": policy["content_security_policy"],
            },
            "ContentTypeOptions": {"Override": True},
            "FrameOptions": {"Override": True, "FrameOption": "DENY"},
            "ReferrerPolicy": {"Override": True, "ReferrerPolicy": policy["referrer_policy"]},
            "StrictTransportSecurity": {
                "Override": True,
                "AccessControlMaxAgeSec": transport_s,
                "IncludeSubdomains": True,
                "Preload": False,
            },
        },
        "CustomHeadersConfig": {"Quantity": len(custom), "Items": custom},
    }


def distribution_config(
    values: Mapping[str, str],
    api: tuple[str, str],
    function_arn: str,
    policies: Mapping[str, str],
    uncached_errors: list[int],
) -> dict[str, Any]:
    """The DistributionConfig; ``policies`` are the ids of the headers policies."""
    api_id, stage = api
    region = values["region"]
    return {
        "CallerReference": values["name"],
        "Comment": values["name"],
        "Enabled": True,
        "IsIPV6Enabled": True,
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2and3",
        "PriceClass": "PriceClass_100",
        "Origins": _many(
            [
                {
                    "Id": "website",
                    "DomainName": f"{values['website_bucket']}.s3.{region}.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                },
                {
                    "Id": "api",
                    "DomainName": f"{api_id}.execute-api.{region}.amazonaws.com",
                    "OriginPath": f"/{stage}",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSslProtocols": _many(["TLSv1.2"]),
                        "OriginReadTimeout": 30,
                        "OriginKeepaliveTimeout": 5,
                    },
                },
            ]
        ),
        "DefaultCacheBehavior": {
            "TargetOriginId": "website",
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {**_many(READS), "CachedMethods": _many(READS)},
            "Compress": True,
            "CachePolicyId": CACHING_OPTIMIZED,
            "ResponseHeadersPolicyId": policies["website"],
            "FunctionAssociations": _many(
                [{"EventType": "viewer-request", "FunctionARN": function_arn}]
            ),
        },
        "CacheBehaviors": _many(
            [
                {
                    "PathPattern": "/api/*",
                    "TargetOriginId": "api",
                    "ViewerProtocolPolicy": "https-only",
                    "AllowedMethods": {**_many(EVERY), "CachedMethods": _many(READS)},
                    "Compress": True,
                    "CachePolicyId": CACHING_DISABLED,
                    "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST,
                    "ResponseHeadersPolicyId": policies["api"],
                }
            ]
        ),
        # A run that is not there yet will be there in a second: no error may be kept.
        "CustomErrorResponses": _many(
            [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in uncached_errors]
        ),
    }


def _many(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}
