"""The query protocol on the server's side, for services of ours that speak it.

Shapes come from the SDK's own model of the service; reading forms and writing XML is moto's.
Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from emulator.core.errors import AwsError
from emulator.core.models import service_document


class QueryXml:
    """Reads requests to ``service`` (botocore's name, ``cloudwatch``) and writes its answers."""

    def __init__(self, service: str) -> None:
        from moto.core.model import ServiceModel  # noqa: PLC0415 (slow import)

        self._model = ServiceModel(service_document(service), service)

    def request(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """Operation and parameters, as the SDK would have them.

        Raises AwsError InvalidAction, and MalformedQueryString for values of another type.
        """
        from moto.core.parse import QueryParser, RequestParserError  # noqa: PLC0415
        from werkzeug.datastructures import Headers, MultiDict  # noqa: PLC0415

        values = MultiDict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        operation = str(values.get("Action", ""))
        if operation not in self._model.operation_names:
            raise AwsError("InvalidAction", f"Could not find operation {operation}")
        try:
            parsed: dict[str, Any] = QueryParser(self._model.operation_model(operation)).parse(
                {
                    "method": "POST",
                    "url_path": "/",
                    "body": body,
                    "headers": Headers(),
                    "url_params": {},
                    "values": values,
                }
            )
        except (RequestParserError, ValueError, KeyError) as error:
            raise AwsError("MalformedQueryString", f"The query is malformed: {error}") from error
        return operation, {name: value for name, value in parsed.items() if value is not None}

    def answer(self, operation: str, result: Mapping[str, Any], request_id: str) -> bytes:
        """The answer of ``operation`` on the wire; ``result`` as the SDK gives it."""
        from moto.core.serialize import QuerySerializer, SerializationContext  # noqa: PLC0415

        written = QuerySerializer(
            self._model.operation_model(operation), SerializationContext(request_id)
        ).serialize(result)
        body = written["body"]
        return body if isinstance(body, bytes) else str(body).encode()


@cache
def query_xml(service: str) -> QueryXml:
    """The protocol of ``service``; made once."""
    return QueryXml(service)
