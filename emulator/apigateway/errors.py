"""What can go wrong in the gateway, told apart as API Gateway's gateway responses tell it.

Response types and default statuses:
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

DEFAULT_STATUS: dict[str, int] = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_PARAMETERS": 400,
    "BAD_REQUEST_BODY": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 500,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
"""Every gateway response type with the status that it has unless the API customises it."""


class GatewayError(Exception):
    """The gateway itself refuses or fails a request.

    ``response_type`` is a key of DEFAULT_STATUS, ``message`` what ``$context.error.message`` says,
    ``validation`` what ``$context.error.validationErrorString`` says, ``status`` overrides the
    type's default status (a malformed Lambda answer is a DEFAULT_5XX of 502).
    """

    def __init__(
        self,
        response_type: str,
        message: str,
        *,
        validation: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(f"{response_type}: {message}")
        self.response_type = response_type
        self.message = message
        self.validation = validation
        self.status = DEFAULT_STATUS[response_type] if status is None else status


class TemplateError(Exception):
    """A mapping template is not valid, or does something that cannot be done."""
