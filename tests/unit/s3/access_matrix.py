"""What the access matrices share: names, the answers of refusals, and how a query is changed."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

BUCKET = "pictures"
NAMED = {"Bucket": BUCKET, "Key": "k"}
ROLE = "arn:aws:iam::000000000000:role/nst-get-upload-url"
QUERY_AUTH = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"
POST_POLICY = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html"
POST_FORMS = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html"
ERRORS = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
CORS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html"
BLOCK = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
MISMATCH = (403, "SignatureDoesNotMatch")
BAD_QUERY = (400, "AuthorizationQueryParametersError")
DENIED = (403, "AccessDenied")


def code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


def query(**values):
    """Change, add or (None) drop a parameter of the query; names with ``_`` for ``-``."""

    def change(url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name, value in values.items():
            parameter = name.replace("_", "-")
            if value is None:
                query.pop(parameter)
            else:
                query[parameter] = value(query[parameter]) if callable(value) else value
        return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))

    return change


def form(s3):
    """What Get Upload URL signs: an exact key and type, a range of sizes."""
    return s3.generate_presigned_post(
        BUCKET,
        "runs/1/content",
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 1, 100]],
        ExpiresIn=60,
    )
