"""The AWS clients of the functions, and their errors.

Signature version, addressing and host are said aloud: boto3's defaults differ by region and sign
presigned URLs with SigV2 in some. All of it works on boto3 1.28.72, the first that Lambda's
python3.12 runtime carried.
"""

from __future__ import annotations

from typing import Any

from system.settings import Environment

CONDITIONS = {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}
SERVER_ERROR = 500
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
CONFLICT = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class Clients:
    """One client for each service, made when it is first asked for and kept."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._session: Any = None
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """boto3's client of ``service``: ``s3``, ``ecs``, ``stepfunctions`` or ``dynamodb``."""
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def _make(self, service: str) -> Any:
        # Importing the SDK takes longer than all the rest: only who calls AWS pays for it.
        import boto3  # noqa: PLC0415

        if self._session is None:
            self._session = boto3.session.Session(region_name=self._environment.region)
        client = self._session.client(
            service,
            endpoint_url=_endpoint(service, self._environment),
            config=_config(service, self._environment.endpoint_url),
        )
        if service == "s3":
            allow_conditional_puts(client)
        return client


def _endpoint(service: str, environment: Environment) -> str | None:
    """The endpoint of the environment, or S3's regional host; None leaves it to the SDK.

    Older botocore presigns for the global host whatever its configuration says, and that host
    redirects for a new bucket: a browser's upload does not survive the redirect.
    """
    if environment.endpoint_url is None and service == "s3":
        return f"https://s3.{environment.region}.amazonaws.com"
    return environment.endpoint_url


def _config(service: str, endpoint_url: str | None) -> Any:
    from botocore.config import Config  # noqa: PLC0415

    common: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": 3},
        "connect_timeout": 2,
        "read_timeout": 4,
    }
    if service != "s3":
        return Config(**common)
    return Config(
        signature_version="s3v4",
        s3={
            # An endpoint of one's own is one host, often an address: no host for each bucket.
            "addressing_style": "path" if endpoint_url else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
        **common,
    )


def allow_conditional_puts(client: Any) -> None:
    """Let an S3 client's put_object take IfMatch and IfNoneMatch, as newer botocore does by itself.

    Older botocore (before the end of 2024) does not know them and would refuse them; here they
    are taken out of the parameters before validation and become the headers that they are.
    """
    known = client.meta.service_model.operation_model("PutObject").input_shape.members
    unknown = [name for name in CONDITIONS if name not in known]
    if not unknown:
        return

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["nst_conditions"] = {
            CONDITIONS[name]: params.pop(name) for name in unknown if name in params
        }

    def send(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        params["headers"].update(context.get("nst_conditions", {}))

    client.meta.events.register_first("before-parameter-build.s3.PutObject", take)
    client.meta.events.register_last("before-call.s3.PutObject", send)


def error_code(error: Exception) -> str:
    """The code of AWS's error answer; the exception's name when there was no answer."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)


def tried_before(answer: object) -> bool:
    """Whether the SDK tried more than once: then this answer does not speak for the first try.

    https://docs.aws.amazon.com/boto3/latest/guide/retries.html names ``RetryAttempts``.
    """
    response = answer if isinstance(answer, dict) else getattr(answer, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    return bool(metadata.get("RetryAttempts", 0))


def refused(error: Exception) -> bool:
    """Whether AWS answered that it did not do it: an error below 500.

    Anything else (no answer, a server error) leaves open whether it was done.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return False
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return isinstance(status, int) and 0 < status < SERVER_ERROR
