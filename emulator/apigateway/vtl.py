"""Velocity templates: the parser, which compiles a template into small closures.

The language is the part of Velocity 1.7 that API Gateway documents for mapping templates:
references, ``#set``, ``#if``, ``#foreach``, ``#break``, ``#stop``, comments and unparsed blocks
(https://velocity.apache.org/engine/1.7/vtl-reference.html). Other directives are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emulator.apigateway import vtl_nodes as nodes
from emulator.apigateway.errors import TemplateError

TEMPLATE_CHARS_MAX = 300 * 1024
"""API Gateway's quota on a mapping template."""

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_DIRECTIVE = re.compile(r"#(?:\{(?P<braced>[a-zA-Z]+)\}|(?P<bare>[a-zA-Z]+))")
_REFERENCE = re.compile(r"\$!?\{?[A-Za-z_]")
_SPACES = re.compile(r"\s*")
_REST_OF_LINE = re.compile(r"[ \t]*\r?\n")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?!\d)")
_WORDS = {"and": "&&", "or": "||", "eq": "==", "ne": "!=", "lt": "<", "gt": ">"}
_WORDS |= {"le": "<=", "ge": ">=", "not": "!"}
_OPERATOR = re.compile(r"&&|\|\||==|!=|<=|>=|[<>+\-*/%]|(?:and|or|eq|ne|lt|gt|le|ge)\b")
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!="}),
    frozenset({"<", ">", "<=", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_LITERALS = {"true": True, "false": False, "null": None}


class Template:
    """A parsed template; ``render`` may be called any number of times."""

    def __init__(self, text: str) -> None:
        """Parse ``text``; raises TemplateError with the place of what is not understood."""
        if len(text) > TEMPLATE_CHARS_MAX:
            raise TemplateError(f"a template may have {TEMPLATE_CHARS_MAX} characters at most")
        self._nodes, _ = _Parser(text).block(())

    def render(self, variables: dict[str, Any]) -> str:
        """The output with these variables; raises TemplateError when a step cannot be done.

        ``variables`` are shared with the template: what it sets in their maps is seen by the
        caller (that is how overrides come back).
        """
        scope = nodes.Scope(dict(variables))
        try:
            nodes.run(self._nodes, scope)
        except (nodes.StopRendering, nodes.BreakLoop):
            return "".join(scope.out)
        except RecursionError as error:
            raise TemplateError("the template is nested too deeply") from error
        return "".join(scope.out)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def block(self, ends: tuple[str, ...]) -> tuple[list[nodes.Node], str]:
        """Everything up to one of the directives ``ends``, and which one it was."""
        text, found = self._text, []
        while self._at < len(text):
            start = self._at
            while self._at < len(text) and text[self._at] not in "$#\\":
                self._at += 1
            if self._at > start:
                found.append(nodes.literal(text[start : self._at]))
                continue
            if text[start] == "\\":
                self._at += 1
                if text[self._at : self._at + 1] in {"$", "#"}:
                    raise self._error("an escaped reference or directive")
                found.append(nodes.literal("\\"))
            elif text[start] == "$":
                found.append(self._output_reference())
            else:
                name = self._directive_name()
                if name in ends:
                    return found, name
                node = self._directive(name)
                if node is not None:
                    found.append(node)
        if ends:
            raise self._error(f"no #{ends[-1]} for a block")
        return found, ""

    def _output_reference(self) -> nodes.Node:
        if not _REFERENCE.match(self._text, self._at):
            self._at += 1
            return nodes.literal("$")
        start = self._at
        reference, quiet = self._reference()
        return nodes.output(reference, "" if quiet else self._text[start : self._at])

    def _directive_name(self) -> str:
        text = self._text
        if text.startswith(("##", "#*", "#[["), self._at):
            return text[self._at : self._at + 2]
        found = _DIRECTIVE.match(text, self._at)
        if found is None:
            self._at += 1
            return ""
        self._at = found.end()
        name = str(found["braced"] or found["bare"])
        if name in {"else", "end", "stop", "break"}:
            self._end_of_line()
        return name

    def _directive(self, name: str) -> nodes.Node | None:
        text = self._text
        if name == "":
            return nodes.literal("#")
        if name == "##":
            end = text.find("\n", self._at)
            self._at = len(text) if end < 0 else end + 1
            return None
        if name == "#*":
            self._at = self._find("*#", self._at + 2) + 2
            return None
        if name == "#[":
            start = self._at + 3
            self._at = self._find("]]#", start) + 3
            return nodes.literal(text[start : self._at - 3])
        if name == "set":
            return self._set()
        if name == "if":
            return self._if()
        if name == "foreach":
            return self._foreach()
        if name == "stop":
            return nodes.stop
        if name == "break":
            return nodes.break_loop
        raise self._error(f"the directive #{name}")

    def _set(self) -> nodes.Node:
        self._expect("(")
        self._spaces()
        if not _REFERENCE.match(self._text, self._at):
            raise self._error("a #set without a reference")
        target, _ = self._reference()
        self._expect("=")
        value = self._expression()
        self._expect(")")
        self._end_of_line()
        return nodes.assign(target, value)

    def _if(self) -> nodes.Node:
        branches: list[tuple[nodes.Value, list[nodes.Node]]] = []
        name = "if"
        while name in {"if", "elseif"}:
            self._expect("(")
            condition = self._expression()
            self._expect(")")
            self._end_of_line()
            body, name = self.block(("elseif", "else", "end"))
            branches.append((condition, body))
        otherwise: list[nodes.Node] = []
        if name == "else":
            otherwise, _ = self.block(("end",))
        return nodes.choose(branches, otherwise)

    def _foreach(self) -> nodes.Node:
        self._expect("(")
        self._spaces()
        if not self._text.startswith("$", self._at):
            raise self._error("a #foreach without a reference")
        self._at += 1
        name = self._name()
        self._spaces()
        if self._name() != "in":
            raise self._error("a #foreach without 'in'")
        items = self._expression()
        self._expect(")")
        self._end_of_line()
        body, _ = self.block(("end",))
        return nodes.loop(name, items, body)

    def _reference(self) -> tuple[nodes.Reference, bool]:
        self._at += 1
        quiet = self._take("!")
        braced = self._take("{")
        reference = nodes.Reference(self._name(), self._accessors())
        if braced:
            self._expect("}")
        return reference, quiet

    def _accessors(self) -> list[nodes.Accessor]:
        found: list[nodes.Accessor] = []
        while True:
            if self._text.startswith(".", self._at) and _NAME.match(self._text, self._at + 1):
                self._at += 1
                name = self._name()
                if self._take("("):
                    found.append(nodes.Method(name, self._list_until(")")))
                else:
                    found.append(nodes.Member(name))
            elif self._take("["):
                found.append(nodes.Index(self._expression()))
                self._expect("]")
            else:
                return found

    def _expression(self, level: int = 0) -> nodes.Value:
        if level == len(_LEVELS):
            return self._unary()
        left = self._expression(level + 1)
        while True:
            self._spaces()
            found = _OPERATOR.match(self._text, self._at)
            operator = _WORDS.get(found[0], found[0]) if found else ""
            if not found or operator not in _LEVELS[level]:
                return left
            self._at = found.end()
            left = nodes.operate(operator, left, self._expression(level + 1))

    def _unary(self) -> nodes.Value:
        self._spaces()
        text = self._text
        if text.startswith("!", self._at) and not text.startswith("!=", self._at):
            self._at += 1
            return nodes.negate(self._unary())
        if re.compile(r"not\b").match(text, self._at):
            self._at += 3
            return nodes.negate(self._unary())
        return self._primary()

    def _primary(self) -> nodes.Value:
        text, start = self._text, self._at
        head = text[start : start + 1]
        if head == "$":
            if not _REFERENCE.match(text, start):
                raise self._error("a $ that is no reference")
            return self._reference()[0].value
        if head in {"'", '"'}:
            return self._string(head)
        if number := _NUMBER.match(text, start):
            self._at = number.end()
            digits = number[0]
            return nodes.constant(float(digits) if "." in digits else int(digits))
        makers: dict[str, Callable[[], nodes.Value]] = {
            "(": self._parenthesis,
            "[": self._list,
            "{": self._map,
        }
        if head in makers:
            self._at += 1
            return makers[head]()
        word = _NAME.match(text, start)
        if word and word[0] in _LITERALS:
            self._at = word.end()
            return nodes.constant(_LITERALS[word[0]])
        raise self._error("an expression")

    def _string(self, quote: str) -> nodes.Value:
        end = self._find(quote, self._at + 1)
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        if quote == "'" or not ("$" in inner or "#" in inner):
            return nodes.constant(inner)
        parts, _ = _Parser(inner).block(())
        return nodes.interpolated(parts)

    def _parenthesis(self) -> nodes.Value:
        value = self._expression()
        self._expect(")")
        return value

    def _list(self) -> nodes.Value:
        self._spaces()
        if self._take("]"):
            return nodes.sequence([])
        first = self._expression()
        self._spaces()
        if self._text.startswith("..", self._at):
            self._at += 2
            last = self._expression()
            self._expect("]")
            return nodes.span(first, last)
        if self._take(","):
            return nodes.sequence([first, *self._list_until("]")])
        self._expect("]")
        return nodes.sequence([first])

    def _map(self) -> nodes.Value:
        pairs: list[tuple[nodes.Value, nodes.Value]] = []
        self._spaces()
        while not self._take("}"):
            key = self._expression()
            self._expect(":")
            pairs.append((key, self._expression()))
            self._spaces()
            if not self._take(","):
                self._expect("}")
                break
            self._spaces()
        return nodes.mapping(pairs)

    def _list_until(self, end: str) -> list[nodes.Value]:
        found: list[nodes.Value] = []
        self._spaces()
        while not self._take(end):
            found.append(self._expression())
            self._spaces()
            if not self._take(","):
                self._expect(end)
                break
        return found

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._error("a name")
        self._at = found.end()
        return found[0]

    def _take(self, token: str) -> bool:
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _expect(self, token: str) -> None:
        self._spaces()
        if not self._take(token):
            raise self._error(f"what stands where {token!r} is expected")

    def _spaces(self) -> None:
        found = _SPACES.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _end_of_line(self) -> None:
        found = _REST_OF_LINE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _find(self, token: str, start: int) -> int:
        end = self._text.find(token, start)
        if end < 0:
            raise self._error(f"no closing {token}")
        return end

    def _error(self, what: str) -> TemplateError:
        line = self._text.count("\n", 0, self._at) + 1
        near = self._text[max(0, self._at - 20) : self._at + 20].replace("\n", " ")
        return TemplateError(f"line {line}: {what} is not supported, near {near!r}")
