"""The condition keys that requests carry here.

Sources: "AWS global condition context keys" and the services' pages of the Service Authorization
Reference.
"""

from __future__ import annotations

from emulator.core.policy.conditions import Keys

COMMON = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principaltype",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:useragent",
    }
)
"""Of every request."""

S3 = Keys(
    COMMON
    | {
        "aws:referer",
        "s3:authtype",
        "s3:delimiter",
        "s3:if-match",
        "s3:if-none-match",
        "s3:max-keys",
        "s3:objectcreationoperation",
        "s3:prefix",
        "s3:requestobjecttagkeys",
        "s3:resourceaccount",
        "s3:signatureage",
        "s3:signatureversion",
        "s3:versionid",
        "s3:x-amz-acl",
        "s3:x-amz-content-sha256",
        "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-storage-class",
    },
    ("s3:existingobjecttag/", "s3:requestobjecttag/"),
)
"""Of a request to S3."""

ALL = Keys(
    S3.names
    | {
        "aws:multifactorauthpresent",
        "aws:requestedregion",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
        "cloudwatch:namespace",
        "ecs:cluster",
        "iam:passedtoservice",
        "lambda:functionarn",
        "sts:externalid",
        "sts:rolesessionname",
    },
    (*S3.prefixes, "aws:principaltag/"),
)
"""Of any request of a principal of IAM."""
