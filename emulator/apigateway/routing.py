"""Which method of an API a request is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from emulator.apigateway.openapi import Api, Method


@dataclass
class _Node:
    """A resource in the tree: fixed children come before a parameter, that before a greedy one."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    greedy: tuple[str, _Node] | None = None
    resource: str = ""


class Router:
    """Finds methods by path; built once for each deployed API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root = _Node()
        for path in api.methods:
            self._add(path)

    def find(self, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """The method and its path parameters, decoded; ``path`` is percent-encoded.

        None when there is no such resource or the resource has no such method.
        """
        segments = _segments(path)
        parameters: dict[str, str] = {}
        node = _descend(self._root, segments, parameters)
        if node is None:
            return None
        methods = self._api.methods[node.resource]
        method = methods.get(verb) or methods.get("ANY")
        return None if method is None else (method, parameters)

    def _add(self, path: str) -> None:
        node = self._root
        for segment in _segments(path):
            if segment.endswith("+}"):
                node.greedy = node.greedy or (segment[1:-2], _Node())
                node = node.greedy[1]
            elif segment.startswith("{"):
                node.parameter = node.parameter or (segment[1:-1], _Node())
                node = node.parameter[1]
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.resource = path


def _segments(path: str) -> list[str]:
    """API Gateway ignores one slash at the end, and no other."""
    trimmed = path.removeprefix("/").removesuffix("/")
    return trimmed.split("/") if trimmed else []


def _descend(node: _Node, segments: list[str], parameters: dict[str, str]) -> _Node | None:
    if not segments:
        return node if node.resource else None
    head, rest = segments[0], segments[1:]
    for child, name in _children(node, unquote(head)):
        found = _descend(child, rest, parameters)
        if found is not None:
            if name:
                parameters[name] = unquote(head)
            return found
    if node.greedy is not None:
        name, child = node.greedy
        parameters[name] = "/".join(unquote(segment) for segment in segments)
        return child
    return None


def _children(node: _Node, segment: str) -> Iterable[tuple[_Node, str]]:
    if segment in node.fixed:
        yield node.fixed[segment], ""
    if node.parameter is not None and segment:
        yield node.parameter[1], node.parameter[0]
