"""The OpenAPI document of the server."""

from __future__ import annotations

from typing import Any

from .datatypes import DATATYPES
from .inputs import BYTES, DICT, REQUESTS
from .model import Model

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_id": {"type": "string"}},
}
_TEXT: dict[str, Any] = {"type": "string"}
_ERROR_DESCRIPTIONS = {
    400: "The request is malformed; the error says what was expected.",
    404: "The model, version or method does not exist.",
    408: "The body is not received in time.",
    413: "The body, or the data that it describes, is too large.",
    500: "The predictor failed; the server's log has the cause under the error id.",
    503: "The model is loading, or too many requests are in progress.",
}


def document(model: Model, release: str) -> dict[str, Any]:
    """Creates the document (https://spec.openapis.org/oas/v3.0.3)."""
    v1, v2 = f"/v1/models/{model.name}", f"/v2/models/{model.name}"
    named = {"type": "object", "properties": {"name": _TEXT, "ready": {"type": "boolean"}}}
    paths: dict[str, Any] = {
        "/": {"get": _get("Whether the server is running", {"type": "object", "properties": {"status": _TEXT}})},
        "/metrics": {"get": _operation("Metrics in Prometheus' text format", {"text/plain": {"schema": _TEXT}})},
        "/v1/models": {"get": _get("The names of models", _list_of("models", _TEXT))},
        v1: {"get": _get("Whether the model is ready", named, 503)},
        "/v2": {"get": _get("The server", _reference("server"))},
        "/v2/health/live": {"get": _get("Whether the server is running", _boolean("live"))},
        "/v2/health/ready": {"get": _get("Whether the model is ready", _boolean("ready"), 503)},
        "/v2/models": {"get": _get("The names of models", _list_of("models", _TEXT))},
    }
    for method, key in (("predict", "predictions"), ("explain", "explanations")):
        if method in model.input_kinds:
            paths[f"{v1}:{method}"] = {"post": _post_v1(method, key, model.input_kinds[method])}
    for path in (v2, f"{v2}/versions/{model.version}"):
        paths[path] = {"get": _get("The model", _reference("model"))}
        paths[f"{path}/ready"] = {"get": _get("Whether the model is ready", named, 503)}
        body = {"application/json": {"schema": _reference("inference_request")}}
        paths[f"{path}/infer"] = {
            "post": _post("Predict, by the Open Inference Protocol", body, _reference("inference_response"))
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": model.name, "version": model.version, "description": f"Served by fairing-kfp {release}."},
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _post_v1(method: str, key: str, kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {"type": "array", "items": {}}
    request: dict[str, Any] = {"type": "object", "description": REQUESTS[kind]}
    if kind != DICT:
        request["properties"] = {"instances": values, "inputs": {}}
        request["oneOf"] = [{"required": ["instances"]}, {"required": ["inputs"]}]
    body: dict[str, Any] = {"application/json": {"schema": request}}
    if kind == BYTES:
        body["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    return _post(f"{method.capitalize()}, by the V1 protocol", body, {"type": "object", "properties": {key: {}}})


def _schemas() -> dict[str, Any]:
    parameters = {"type": "object"}
    tensor = {"name": _TEXT, "datatype": {"type": "string", "enum": list(DATATYPES)}, "shape": _numbers()}
    whole = {**tensor, "parameters": parameters, "data": {"type": "array", "items": {}}}
    listed = {"type": "array", "items": _reference("tensor")}
    output = {"type": "object", "required": ["name"], "properties": {"name": _TEXT, "parameters": parameters}}
    schemas = {
        "tensor": _object(whole, "name", "shape", "datatype"),
        "inference_request": _object(
            {"id": _TEXT, "parameters": parameters, "inputs": listed, "outputs": {"type": "array", "items": output}},
            "inputs",
        ),
        "inference_response": _object(
            {"model_name": _TEXT, "model_version": _TEXT, "id": _TEXT, "parameters": parameters, "outputs": listed},
            "model_name",
            "outputs",
        ),
        "server": _object(
            {"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}},
            "name",
            "version",
            "extensions",
        ),
        "model": _object(
            {"name": _TEXT, "versions": {"type": "array", "items": _TEXT}, "platform": _TEXT}, "name", "platform"
        ),
        "error": _ERROR,
    }
    for side in ("inputs", "outputs"):
        schemas["model"]["properties"][side] = {"type": "array", "items": _object(tensor, *tensor)}
    return schemas


def _numbers() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer"}}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _boolean(name: str) -> dict[str, Any]:
    return _object({name: {"type": "boolean"}}, name)


def _list_of(name: str, items: Any) -> dict[str, Any]:
    return _object({name: {"type": "array", "items": items}}, name)


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(summary: str, schema: Any, *errors: int) -> dict[str, Any]:
    return _operation(summary, {"application/json": {"schema": schema}}, *errors)


def _post(summary: str, body: Any, schema: Any) -> dict[str, Any]:
    operation = _operation(summary, {"application/json": {"schema": schema}}, *_ERROR_DESCRIPTIONS)
    return {**operation, "requestBody": {"required": True, "content": body}}


def _operation(summary: str, content: Any, *errors: int) -> dict[str, Any]:
    error_responses = {
        str(status): {
            "description": _ERROR_DESCRIPTIONS[status],
            "content": {"application/json": {"schema": _reference("error")}},
        }
        for status in errors
    }
    return {"summary": summary, "responses": {"200": {"description": "OK", "content": content}, **error_responses}}
