"""XML, read from clients with care and written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from emulator.s3 import errors

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DOCUMENT_BYTES_MAX = 2 * 1024 * 1024
"""Request documents; 10,000 parts with checksums or 1000 keys come to about 1.5 MiB."""
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def parse(body: bytes) -> Element:
    """The root of a client's document; MalformedXML for anything odd (entities, a DTD)."""
    if not body or len(body) > DOCUMENT_BYTES_MAX:
        raise errors.malformed_xml()
    try:
        return fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise errors.malformed_xml() from error


def tag(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element) -> Iterable[tuple[str, str]]:
    """Name and text of the leaf children."""
    return ((tag(child), child.text or "") for child in element)


def document(root: str, members: dict[str, Any], *, namespace: bool = True) -> bytes:
    """A document of nested dictionaries; a list repeats its element; times are floats.

    Integers and booleans are written as XML has them. None leaves an element out.
    """
    space = f' xmlns="{NAMESPACE}"' if namespace else ""
    parts: list[str] = [_DECLARATION, f"<{root}{space}>"]
    _members(parts, members)
    parts.append(f"</{root}>")
    return "".join(parts).encode()


def _members(parts: list[str], members: dict[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, list):
            for one in value:
                _element(parts, name, one)
        elif value is not None:
            _element(parts, name, value)


def _element(parts: list[str], name: str, value: Any) -> None:
    if isinstance(value, dict):
        parts.append(f"<{name}>")
        _members(parts, value)
        parts.append(f"</{name}>")
    elif isinstance(value, bool):
        parts.append(f"<{name}>{'true' if value else 'false'}</{name}>")
    elif isinstance(value, float):
        parts.append(f"<{name}>{time(value)}</{name}>")
    else:
        parts.append(f"<{name}>{_text(str(value))}</{name}>")


def _text(text: str) -> str:
    # XML 1.0 has no way to write most control characters; S3 sends them as references anyway.
    escaped = escape(text, {"\r": "&#13;", '"': "&quot;"})
    if escaped.isprintable():
        return escaped
    return "".join(
        f"&#{ord(c)};" if ord(c) < 0x20 and c not in "\t\n" else c  # noqa: PLR2004 (below space)
        for c in escaped
    )


def time(at: float) -> str:
    """A time as S3 writes it in documents: whole seconds with ``.000Z``."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
