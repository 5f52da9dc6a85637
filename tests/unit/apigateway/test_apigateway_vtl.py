"""Velocity templates: what they print, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.apigateway import java
from emulator.apigateway.errors import TemplateError
from emulator.apigateway.template import UTIL, Input
from emulator.apigateway.vtl import Template


def render(text: str, body: Any = None, **variables: Any) -> str:
    params = {"path": {"id": "7"}, "querystring": {"q": "x"}, "header": {"X-Head": "h"}}
    source = body if isinstance(body, str) else json.dumps(body if body is not None else {})
    names = {"input": Input(source, params), "util": UTIL, **variables}
    return Template(text).render(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain { } [ ] % ! text", "plain { } [ ] % ! text"),
        ("$missing ${missing} $!missing $!{missing}|", "$missing ${missing}  |"),
        ("costs $5 and $ and #1", "costs $5 and $ and #1"),
        ("#set($a = 1)\n$a", "1"),
        ("#set($a = 'x')${a}y", "xy"),
        ('#set($a = "b")#set($c = "$a/${a}c")$c', "b/bc"),
        ("#set($a = '$b')$a", "$b"),
        ("## gone\nstays#* all\n of it *# here", "stays here"),
        ("#[[ $raw #if ]]#", " $raw #if "),
        ("#if(true)yes#{else}no#end", "yes"),
        ("#if(false)a#elseif(1 == 1)b#else c#end", "b"),
        ("#set($s = '')#if($s)empty is true#end", "empty is true"),
        ("#if($missing)a#else b#end", " b"),
        ("#foreach($i in [1..3])$i#if($foreach.hasNext),#end#end", "1,2,3"),
        ("#foreach($i in [3..1])$foreach.index$i #end", "03 12 21 "),
        ("#foreach($i in ['a','b','c'])#if($i == 'b')#break#end$i#end!", "a!"),
        ("#foreach($v in {'a': 1, 'b': 2})$v#end", "12"),
        ("a#stop b", "a"),
        ("#set($m = {'a': {'b': [1, 2]}})$m.a.b[1] $m", "2 {a={b=[1, 2]}}"),
        ("#set($m = {})#set($m.x = 5)#set($m['y'] = 6)$m.x$m.y", "56"),
        ("#set($l = [1, 2])#set($l[0] = 9)$l.get(0) $l.size()", "9 2"),
        ("#if(1 < 2 && 2 <= 2 || false)t#end#if(!(1 > 2) and not false)u#end", "tu"),
        ("#set($x = 7 / 2 + 7 % 4 * 2 - 1)$x", "8"),
        ("#set($x = -7 / 2)$x #set($y = -7 % 4)$y", "-3 -3"),
        ("#if('1' == 1)prints alike#end", "prints alike"),
        ("#if(1.0 == 1)equal#end", "equal"),
        ("#if($missing == $missing)both null#end", "both null"),
        ("$input.path('$.none')|$input.json('$.none')", '|""'),
        ("$input.params('id')$input.params('q')$input.params('x-head')", "7xh"),
        ("[$input.params('none')]", "[]"),
        ("$input.params().header.get('X-Head')", "h"),
        ("$util.base64Encode('ä')$util.base64Decode('w6Q=')", "w6Q=ä"),
        ("$util.urlEncode('a b&ä')$util.urlDecode('a+b%26')", "a+b%26%C3%A4a b&"),
    ],
)
def test_output(text: str, expected: str) -> None:
    assert render(text) == expected


def test_null_is_not_assigned_and_its_methods_are_null() -> None:
    assert render("#set($a = 1)#set($a = $missing)$a") == "1"
    text = "#set($c = $input.path('$.c'))#if($c.startsWith('x'))a#{else}b#end"
    assert render(text, {"c": None}) == "b"


def test_the_payload_is_reached_by_json_path() -> None:
    body = {"a": [{"b": "x"}, {"b": "y"}], "n": None, "odd key": 1.5, "t": True}
    assert render("$input.path('$.a[1].b')", body) == "y"
    assert render("$input.path('$.a[-1].b')", body) == "y"
    assert render("$input.path('$.a[*].b')", body) == "[x, y]"
    assert render("$input.json('$.a[*].b')", body) == '["x","y"]'
    assert render("$input.json(\"$['odd key']\")", body) == "1.5"
    assert render("$input.json('$.n') $input.json('$.t')", body) == "null true"
    assert json.loads(render("$input.json('$')", body)) == body
    assert render("$input.body", '{"x":  1}') == '{"x":  1}'


@pytest.mark.parametrize("path", ["a", "$.a[?(@.b)]", "$..a", "$.a[0:1]"])
def test_other_json_paths_are_refused(path: str) -> None:
    with pytest.raises(TemplateError, match="JSONPath"):
        render(f"$input.path('{path}')")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (0.001, "0.001"),
        (1e-4, "1.0E-4"),
        (1e7, "1.0E7"),
        (1795435200.123, "1.795435200123E9"),
        (123456.75, "123456.75"),
        (float("inf"), "Infinity"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_values_print_as_in_java(value: Any, text: str) -> None:
    assert java.text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_double_is_the_same_double(value: float) -> None:
    assert float(java.text_of(value)) == value


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("'abc'.length()", "3"),
        ("'abc'.substring(1)", "bc"),
        ("'abc'.substring(0, 2)", "ab"),
        ("'abc'.contains('bc')", "true"),
        ("'abc'.indexOf('z')", "-1"),
        ("'a1b22'.replaceAll('[0-9]+', '#')", "a#b#"),
        ("'a1b'.replaceAll('([a-z])', '<$1>')", "<a>1<b>"),
        ("'a.b'.replace('.', '-')", "a-b"),
        ("'abc'.matches('[a-z]{3}')", "true"),
        ("'abcd'.matches('[a-z]{3}')", "false"),
        ("'a,b,,'.split(',')", "[a, b]"),
        ("' x '.trim()", "x"),
        ("'Ab'.toLowerCase()", "ab"),
        ("'a'.equals('a')", "true"),
        ("'a'.concat('b').toUpperCase()", "AB"),
    ],
)
def test_string_methods(call: str, expected: str) -> None:
    literal, _, rest = call.partition(".")
    if call.startswith("'a.b'"):
        literal, rest = "'a.b'", call[6:]
    assert render(f"#set($s = {literal})$s.{rest}") == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("#macro(x)#end", "macro"),
        ("#parse('x')", "parse"),
        ("#include('x')", "include"),
        ("#evaluate('x')", "evaluate"),
        ("#define($x)#end", "define"),
        ("#nothing", "nothing"),
        ("\\$escaped", "escaped"),
        ("#if(true)", "no #end"),
        ("#set($a = )", "an expression"),
        ("#set(a = 1)", "without a reference"),
        ("#foreach($i on $l)#end", "without 'in'"),
        ("#* open", "closing"),
        ("#set($a = 'open)", "closing"),
    ],
)
def test_what_is_not_velocity_here_is_refused_when_it_is_loaded(text: str, what: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(what)):
        Template(text)


@pytest.mark.parametrize(
    "text",
    [
        "#set($s = 'a')$s.getClass()",
        "$input.secret",
        "$input.__init__('x')",
        "$util.parseJson('{')",
        "#set($x = 'a' + 1)",
        "#set($x = 1 / 0)",
        "#foreach($i in [0..5000])#end",
        "#set($s = 'abc')$s.substring(9)",
        "#set($input.body = 'x')",
        "$input.path()",
    ],
)
def test_what_cannot_be_done_fails(text: str) -> None:
    with pytest.raises(TemplateError):
        render(text)


def test_output_is_bounded() -> None:
    double = "#set($a = '" + "x" * 1000 + "')" + '#set($a = "$a$a")' * 14 + "$a"
    with pytest.raises(TemplateError, match="over"):
        render(double)
    with pytest.raises(TemplateError, match="at most"):
        Template("x" * (300 * 1024 + 1))


def test_broken_json_is_an_error_only_where_it_is_read() -> None:
    assert render("constant", "{broken") == "constant"
    with pytest.raises(TemplateError, match="not JSON"):
        render("$input.path('$.a')", "{broken")


def test_escape_javascript_escapes_single_quotes_and_slashes() -> None:
    text = 'it\'s "q" </s> \\ \n ä 🎨'
    escaped = UTIL.escapeJavaScript(text)
    assert escaped == 'it\\\'s \\"q\\" <\\/s> \\\\ \\n \\u00E4 \\uD83C\\uDFA8'


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ANY_JSON)
def test_the_documented_idiom_carries_any_json_inside_a_json_string(value: Any) -> None:
    template = (
        """#set($body = $util.escapeJavaScript($input.json('$')).replaceAll("\\\\'", "'"))"""
        """{"input": "{\\"body\\": $body}"}"""
    )
    outer = json.loads(render(template, {"v": value}))
    assert json.loads(outer["input"]) == {"body": {"v": value}}
