"""The contract is valid OpenAPI, what API Gateway can import, and true to its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from emulator.apigateway.openapi import compile_api
from emulator.apigateway.schema import ANNOTATIONS, KEYWORDS
from system import problems, stack
from tests.unit.contract import contract_document
from tests.unit.contract.contract_document import FOLDER, PLACEHOLDERS

CALLS = {
    "GET /api/budget",
    "POST /api/upload-urls",
    "POST /api/runs",
    "POST /api/run-nst",
    "GET /api/runs/{run_id}",
    "POST /api/runs/{run_id}/links",
    "POST /api/runs/{run_id}/stop",
}
LIVE_CALL = "GET /api/runs/{run_id}/events"
IMPORTABLE = (KEYWORDS | ANNOTATIONS) - {"example", "allOf", "anyOf", "oneOf", "not"}


def contract() -> dict[str, Any]:
    """All of it: the contract with every option."""
    return contract_document.contract(stack.LIVE_EVENTS)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in contract()["paths"].items():
        for verb, operation in item.items():
            yield f"{verb.upper()} {path}", operation


def media(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for response in operation["responses"].values():
        yield from response.get("content", {}).items()


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """A schema and everything below it."""
    yield node
    for child in node.get("properties", {}).values():
        yield from schemas(child)
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield from schemas(node[keyword])


def test_it_is_valid_openapi() -> None:
    document = contract()
    assert document["openapi"] == "3.0.1"
    validate(document)


def test_it_has_every_call_and_live_events_by_choice() -> None:
    assert {name for name, _ in operations()} == CALLS | {LIVE_CALL}
    without = contract_document.contract()
    assert set(contract()["paths"]) - set(without["paths"]) == {LIVE_CALL.partition(" ")[2]}
    for document in (contract(), without):
        assert "x-nst-when" not in str(document), "API Gateway gets no word of ours"
    validate(without)


def test_it_compiles_and_names_its_placeholders() -> None:
    compile_api(contract())
    text = (FOLDER / "openapi.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(PLACEHOLDERS)
    # Terraform's templatefile would take these for its own.
    assert "%{" not in text
    assert not re.search(r"\$\$\{|\$!\{", text)
    with pytest.raises(stack.UnfilledPlaceholderError):
        stack.contract({"region": "x"})


def test_schemas_use_only_what_api_gateway_imports() -> None:
    for name, schema in contract()["components"]["schemas"].items():
        assert name.isalnum(), name
        for part in schemas(schema):
            assert set(part) <= IMPORTABLE, (name, set(part) - IMPORTABLE)
            assert "exclusiveMinimum" not in part


def test_request_models_know_no_null_and_refuse_unknown_members() -> None:
    models = contract()["components"]["schemas"]
    for name in ("UploadRequest", "AdmitRequest", "StartRequest", "Params"):
        for part in schemas(models[name]):
            assert "nullable" not in part
            if part.get("type") == "object":
                assert part["additionalProperties"] is False, (name, part)


def test_every_example_fits_its_schema() -> None:
    document = contract()
    seen = 0
    for name, operation in operations():
        for kind, content in media(operation):
            if "example" not in content:
                continue
            seen += 1
            resolved = {**content["schema"], "components": document["components"]}
            errors = [e.message for e in OAS30Validator(resolved).iter_errors(content["example"])]
            assert not errors, (name, kind, errors)
    assert seen >= len(CALLS) + 3


def test_every_body_is_held_to_one_model_whatever_its_type() -> None:
    bodies = 0
    for name, operation in operations():
        content = operation.get("requestBody", {}).get("content")
        if content is None:
            continue
        bodies += 1
        assert set(content) == {"application/json", "$default"}, name
        assert content["application/json"]["schema"] == content["$default"]["schema"], name
    assert bodies == 3


def test_service_integrations_never_pass_a_body_through() -> None:
    for name, operation in operations():
        integration = operation["x-amazon-apigateway-integration"]
        if integration["type"] == "aws":
            assert integration["passthroughBehavior"] == "never", name
            assert set(integration["requestTemplates"]) == {"application/json"}
            assert integration["credentials"] == PLACEHOLDERS["gateway_role_arn"]


def test_mapped_statuses_and_headers_are_declared_as_api_gateway_demands() -> None:
    for name, operation in operations():
        integration = operation["x-amazon-apigateway-integration"]
        for response in integration.get("responses", {}).values():
            declared = operation["responses"][response["statusCode"]]
            for target in response["responseParameters"]:
                header = target.removeprefix("method.response.header.")
                assert header in declared["headers"], (name, target)


def test_every_error_is_a_problem_document() -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                content = response["content"]
                assert content == {"application/problem+json": {"schema": problem}}, (name, status)
    for kind, response in contract()["x-amazon-apigateway-gateway-responses"].items():
        header = response["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert header == f"'{problems.CONTENT_TYPE}'", kind


def test_every_problem_a_call_can_end_in_has_its_status_declared() -> None:
    declared = {int(s) for _, o in operations() for s in o["responses"]}
    assert {kind.status for kind in problems.KINDS.values()} <= declared
