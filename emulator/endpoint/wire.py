"""How errors are written in the protocol that a request speaks.

Source: the protocols of https://smithy.io/2.0/aws/protocols/, which the SDK's models name.
"""

from __future__ import annotations

from typing import Literal
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulator.core.errors import AwsError
from emulator.endpoint.router import FORM

Protocol = Literal["json", "rest-json", "query", "rest-xml", "cbor"]

_REST_XML = frozenset({"cloudfront", "route53"})
_CBOR_SHORT = 24
_CBOR_BYTE = 256


def protocol_of(request: Request, service: str) -> Protocol:
    """The protocol of a request to a service other than S3."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "cbor"
    if "x-amz-target" in request.headers:
        return "json"
    if request.headers.get("content-type", "").startswith(FORM):
        return "query"
    return "rest-xml" if service in _REST_XML else "rest-json"


def error_response(protocol: Protocol, error: AwsError, request_id: str) -> Response:
    """An error that the SDKs of this protocol can read."""
    if protocol in {"query", "rest-xml"}:
        text = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, status_code=error.status, media_type="text/xml")
    if protocol == "cbor":
        return Response(
            _cbor({"__type": error.code, "message": error.message}),
            status_code=error.status,
            media_type="application/cbor",
            headers={"smithy-protocol": "rpc-v2-cbor", "x-amzn-RequestId": request_id},
        )
    return JSONResponse(
        {"__type": error.code, "message": error.message, "Message": error.message, **error.fields},
        status_code=error.status,
        headers={"x-amzn-errortype": error.code, "x-amzn-RequestId": request_id},
    )


def _cbor(texts: dict[str, str]) -> bytes:
    """A small map of texts (RFC 8949)."""
    parts = [bytes([0xA0 + len(texts)])]
    for text in (part for pair in texts.items() for part in pair):
        data = text.encode()
        size = len(data)
        if size < _CBOR_SHORT:
            head = bytes([0x60 + size])
        elif size < _CBOR_BYTE:
            head = bytes([0x78, size])
        else:
            head = b"\x79" + size.to_bytes(2, "big")
        parts.append(head + data[:65_535])
    return b"".join(parts)
