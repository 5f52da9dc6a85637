"""What a mapping template can use: ``$input``, ``$context``, ``$util``, ``$stageVariables``.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from emulator.apigateway import java
from emulator.apigateway.errors import TemplateError
from emulator.apigateway.jsonpath import MISSING, select
from emulator.apigateway.vtl_nodes import TemplateObject


class Input(TemplateObject):
    """``$input``: the payload and the request's parameters."""

    METHODS = frozenset({"json", "path", "params"})
    MEMBERS = frozenset({"body"})

    def __init__(self, body: str, params: Mapping[str, Mapping[str, str]]) -> None:
        """``body`` is the payload's text; ``params`` has ``path``, ``querystring``, ``header``."""
        self.body = body
        self._params = {kind: dict(values) for kind, values in params.items()}
        self._document: Any = MISSING

    def path(self, path: str) -> Any:
        """The value at a JSONPath; a path that leads nowhere gives an empty string."""
        found = select(self._parsed(), path)
        return "" if found is MISSING else found

    def json(self, path: str) -> str:
        """The value at a JSONPath as JSON text (``""`` in quotes when it leads nowhere)."""
        return compact(self.path(path))

    def params(self, name: str | None = None) -> Any:
        """A parameter, looked for in path, query string and headers; all of them without a name."""
        if name is None:
            return self._params
        for kind in ("path", "querystring", "header"):
            values = self._params.get(kind, {})
            if name in values:
                return values[name]
        folded = {key.lower(): value for key, value in self._params.get("header", {}).items()}
        return folded.get(name.lower(), "")

    def _parsed(self) -> Any:
        if self._document is MISSING:
            try:
                self._document = json.loads(self.body) if self.body else {}
            except (ValueError, RecursionError) as error:
                raise TemplateError(f"the payload is not JSON: {error}") from error
        return self._document


class Util(TemplateObject):
    """``$util``."""

    METHODS = frozenset(
        {"escapeJavaScript", "parseJson", "urlEncode", "urlDecode", "base64Encode", "base64Decode"}
    )

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802 (API Gateway's name)
        """Escape for a JavaScript string, single quotes and slashes included.

        JSON knows no escaped single quote: templates that build JSON undo it, as AWS's page says.
        """
        return "".join(map(_escaped, java.text_of(text)))

    def parseJson(self, text: Any) -> Any:  # noqa: N802 (API Gateway's name)
        """The document of a JSON text; TemplateError when it is none."""
        try:
            return json.loads(java.text_of(text))
        except (ValueError, RecursionError) as error:
            raise TemplateError(f"parseJson: {error}") from error

    def urlEncode(self, text: Any) -> str:  # noqa: N802 (API Gateway's name)
        """application/x-www-form-urlencoded."""
        return quote_plus(java.text_of(text), safe="*-._")

    def urlDecode(self, text: Any) -> str:  # noqa: N802 (API Gateway's name)
        """The reverse."""
        return unquote_plus(java.text_of(text))

    def base64Encode(self, text: Any) -> str:  # noqa: N802 (API Gateway's name)
        """Base64 of the text's UTF-8."""
        return base64.b64encode(java.text_of(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:  # noqa: N802 (API Gateway's name)
        """The reverse; TemplateError when it is none."""
        try:
            return base64.b64decode(java.text_of(text), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TemplateError(f"base64Decode: {error}") from error


UTIL = Util()


def compact(value: Any) -> str:
    """JSON text without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_ESCAPES = {
    "'": "\\'",
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\n": "\\n",
    "\t": "\\t",
    "\f": "\\f",
    "\r": "\\r",
}
_ASCII_MIN, _ASCII_MAX, _BMP_MAX = 0x20, 0x7F, 0xFFFF


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if _ASCII_MIN <= code <= _ASCII_MAX:
        return character
    if code <= _BMP_MAX:
        return f"\\u{code:04X}"
    code -= _BMP_MAX + 1
    return f"\\u{0xD800 + (code >> 10):04X}\\u{0xDC00 + (code & 0x3FF):04X}"
