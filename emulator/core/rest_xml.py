"""The REST-XML protocol on the server's side, for services of ours that speak it.

Which operation a path means, what its parameters are and how an answer is written all come from
the SDK's own model of the service; reading and writing XML is moto's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from defusedxml import DefusedXmlException, ElementTree

from emulator.core.errors import AwsError, NotSupported
from emulator.core.models import service_document

BODY_BYTES_MAX = 2 * 1024 * 1024
_LABEL = re.compile(r"\{([A-Za-z0-9]+)(\+?)\}")


@dataclass(frozen=True)
class Answer:
    """An answer on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class _Binding:
    """Where an operation lives: method, path, and query parameters that must be there."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    labels: int


class RestXml:
    """Reads requests to ``service`` (botocore's name, ``cloudfront``) and writes its answers."""

    def __init__(self, service: str) -> None:
        from moto.core.model import ServiceModel  # noqa: PLC0415 (slow import)

        self._model = ServiceModel(service_document(service), service)
        self._bindings = sorted(
            (self._binding(name) for name in self._model.operation_names),
            # the most particular first: a query parameter, then fewer labels
            key=lambda b: (-len(b.query), b.labels),
        )

    def operation(self, method: str, path: str, query: str) -> tuple[str, dict[str, str]]:
        """The operation that a request names, and the labels of its path.

        Raises NotSupported where the model has no such operation.
        """
        given = dict(parse_qsl(query, keep_blank_values=True))
        for binding in self._bindings:
            found = binding.path.fullmatch(path) if binding.method == method else None
            if found and all(given.get(k) == v for k, v in binding.query.items()):
                return binding.operation, {k: unquote(v) for k, v in found.groupdict().items()}
        raise NotSupported(f"{self._model.service_name}: {method} {path}")

    def parameters(
        self,
        operation: str,
        labels: Mapping[str, str],
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> dict[str, Any]:
        """The parameters as the SDK would have them; raises AwsError MalformedXML."""
        from moto.core.parse import RequestParserError, RestXMLParser  # noqa: PLC0415
        from werkzeug.datastructures import Headers, MultiDict  # noqa: PLC0415

        if len(body) > BODY_BYTES_MAX:
            raise AwsError("RequestEntityTooLarge", "The request is too large.", 413)
        try:
            if body.lstrip().startswith(b"<"):
                ElementTree.fromstring(body)  # no entities, no document type
            parsed: dict[str, Any] = RestXMLParser(self._model.operation_model(operation)).parse(
                {
                    "method": "",
                    "url_path": "",
                    "body": body,
                    "headers": Headers(list(headers.items())),
                    "url_params": dict(labels),
                    "values": MultiDict(parse_qsl(query, keep_blank_values=True)),
                }
            )
        except (RequestParserError, ElementTree.ParseError, DefusedXmlException) as error:
            raise AwsError("MalformedXML", f"The XML document is malformed: {error}") from error
        return {name: value for name, value in parsed.items() if value is not None}

    def answer(self, operation: str, result: Mapping[str, Any], request_id: str) -> Answer:
        """The answer of ``operation`` on the wire; ``result`` as the SDK gives it."""
        from moto.core.serialize import RestXMLSerializer  # noqa: PLC0415

        written = RestXMLSerializer(self._model.operation_model(operation)).serialize(result)
        body = written["body"]
        return Answer(
            int(written["status_code"]),
            {**written["headers"], "x-amzn-RequestId": request_id},
            body if isinstance(body, bytes) else str(body).encode(),
        )

    def _binding(self, name: str) -> _Binding:
        http = self._model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern, at = "", 0
        for label in _LABEL.finditer(path):
            inner = ".+" if label[2] else "[^/]+"
            pattern += re.escape(path[at : label.start()]) + f"(?P<{label[1]}>{inner})"
            at = label.end()
        pattern += re.escape(path[at:]).removesuffix("/") + "/?"
        return _Binding(
            name,
            http["method"],
            re.compile(pattern),
            dict(parse_qsl(query, keep_blank_values=True)),
            path.count("{"),
        )


@cache
def rest_xml(service: str) -> RestXml:
    """The protocol of ``service``; made once."""
    return RestXml(service)
