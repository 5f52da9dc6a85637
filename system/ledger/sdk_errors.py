"""An SDK's errors, told apart by what they carry: the ledger imports no SDK."""

from __future__ import annotations

SERVER_ERROR = 500


def error_code(error: Exception) -> str | None:
    """The code of the service's error answer; None when there was no answer."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    code = response.get("Error", {}).get("Code")
    return str(code) if code else None


def http_status(error: Exception) -> int | None:
    """The HTTP status of the answer; None when there was none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status if isinstance(status, int) else None


def error_name(error: Exception) -> str:
    """The code, or the exception's own name, for a message."""
    return error_code(error) or type(error).__name__
