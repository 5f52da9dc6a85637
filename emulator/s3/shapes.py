"""XML documents of S3's API from and to the SDK's shapes, by the SDK's own service model.

Only configuration sub-resources and rare calls go this way; the model is loaded when the first of
them comes. Hot paths write their XML by hand (``xmltext``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from emulator.core.models import service_model
from emulator.s3 import errors, lifecycle
from emulator.s3.xmltext import NAMESPACE, parse, tag

_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
LIST_MAX = 10_000


def model() -> Any:
    """The SDK's model of S3."""
    return service_model("s3")


def read(operation: str, body: bytes) -> Any:
    """The payload of a request, checked against the model; MalformedXML when it does not fit."""
    shape = model().operation_model(operation).input_shape
    member = shape.members[shape.serialization["payload"]]
    root = parse(body)
    expected = member.serialization.get("name", member.name)
    if tag(root) not in {expected, member.name}:
        raise errors.malformed_xml()
    return _read(root, member)


def check(operation: str, value: Any) -> Any:
    """A payload that came as a dictionary: the same checks as for XML."""
    shape = model().operation_model(operation).input_shape
    return _check(value, shape.members[shape.serialization["payload"]])


def write(operation: str, answer: dict[str, Any], root: str) -> bytes:
    """The body of an answer under the root element ``root``."""
    shape = model().operation_model(operation).output_shape
    payload = shape.serialization.get("payload")
    if payload is not None:
        shape, answer = shape.members[payload], answer[payload]
    inner = "".join(
        _write(name, value, shape.members[name])
        for name, value in answer.items()
        if shape.members[name].serialization.get("location") is None
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inner}</{root}>'
    return text.encode()


def _read(element: Element, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _read_structure(element, shape)
    if kind == "list":
        name = shape.member.serialization.get("name", "member")
        if any(tag(child) != name for child in element) or len(element) > LIST_MAX:
            raise errors.malformed_xml()
        return [_read(child, shape.member) for child in element]
    if len(element):
        raise errors.malformed_xml()
    return _scalar((element.text or "").strip() if kind != "string" else element.text or "", shape)


def _read_structure(element: Element, shape: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    by_tag: dict[str, list[Element]] = {}
    for child in element:
        by_tag.setdefault(tag(child), []).append(child)
    for name, member in shape.members.items():
        where = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            value = element.get(f"{{{_SCHEMA_INSTANCE}}}{where.partition(':')[2]}")
            if value is not None:
                found[name] = value
            continue
        flat = member.type_name == "list" and member.serialization.get("flattened")
        children = by_tag.pop(where, [])
        if not children:
            continue
        if flat:
            if len(children) > LIST_MAX:
                raise errors.malformed_xml()
            found[name] = [_read(child, member.member) for child in children]
        elif len(children) == 1:
            found[name] = _read(children[0], member)
        else:
            raise errors.malformed_xml()
    if by_tag or any(name not in found for name in shape.required_members):
        raise errors.malformed_xml()
    return found


def _check(value: Any, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict) or not value.keys() <= shape.members.keys():
            raise errors.malformed_xml()
        if any(name not in value for name in shape.required_members):
            raise errors.malformed_xml()
        return {name: _check(one, shape.members[name]) for name, one in value.items()}
    if kind == "list":
        if not isinstance(value, (list, tuple)) or len(value) > LIST_MAX:
            raise errors.malformed_xml()
        return [_check(one, shape.member) for one in value]
    if kind == "timestamp":
        return lifecycle.instant(value)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if isinstance(value, (dict, list, bool, bytes)) or value is None:
        raise errors.malformed_xml()
    return _scalar(str(value), shape)


def _scalar(text: str, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise errors.malformed_xml()
        return text.lower() == "true"
    if kind in {"integer", "long"}:
        try:
            return int(text)
        except ValueError as error:
            raise errors.malformed_xml() from error
    if kind == "timestamp":
        return lifecycle.instant(text)
    # New regions are not in every SDK's model; the operation itself judges them.
    if shape.enum and text not in shape.enum and shape.name != "BucketLocationConstraint":
        raise errors.malformed_xml()
    return text


def _write(name: str, value: Any, shape: Any) -> str:
    where = shape.serialization.get("name", name)
    kind = shape.type_name
    if kind == "list":
        inner = shape.member
        if shape.serialization.get("flattened"):
            return "".join(_write(where, one, _named(inner, where)) for one in value)
        item = inner.serialization.get("name", "member")
        return (
            f"<{where}>{''.join(_write(item, one, _named(inner, item)) for one in value)}</{where}>"
        )
    if kind == "structure":
        attributes, parts = "", []
        for key, one in value.items():
            member = shape.members[key]
            if member.serialization.get("xmlAttribute"):
                attributes = (
                    f' xmlns:xsi="{_SCHEMA_INSTANCE}"'
                    f" {member.serialization['name']}={quoteattr(str(one))}"
                )
            else:
                parts.append(_write(key, one, member))
        return f"<{where}{attributes}>{''.join(parts)}</{where}>"
    if kind == "boolean":
        text = "true" if value else "false"
    elif kind == "timestamp":
        moment = datetime.fromtimestamp(float(value), UTC)
        text = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    else:
        text = escape(str(value))
    return f"<{where}>{text}</{where}>"


class _Renamed:
    """A shape under the element name that its list gives it."""

    def __init__(self, shape: Any, name: str) -> None:
        self._shape = shape
        self.serialization = {**shape.serialization, "name": name}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shape, name)


def _named(shape: Any, name: str) -> _Renamed:
    return _Renamed(shape, name)
