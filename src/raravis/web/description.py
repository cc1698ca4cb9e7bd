"""The API's own description as a page: drawn from OpenAPI on the server, so it needs no script and no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response

from raravis.web import pages

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def described(request: Request) -> Response:
    """Show what the API takes and answers."""
    schema = request.app.openapi()
    base = str(request.base_url).rstrip("/")
    return pages.drawn(request, "web_docs.html.j2", version=schema["info"]["version"], calls=list(calls(schema, base)))


def calls(schema: dict[str, Any], base: str) -> Iterator[dict[str, Any]]:
    """Read every call out of an OpenAPI description; `base` is the server's address in the examples."""
    known = schema.get("components", {}).get("schemas", {})
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            answer = _answer(call, known)
            yield {
                "id": call["operationId"],
                "method": method.upper(),
                "path": path,
                "text": call.get("description") or call.get("summary", ""),
                "takes": [*_parameters(call), *_fields(_body(call))],
                "answers": [(status, told["description"]) for status, told in call["responses"].items()],
                "curl": _curl(method.upper(), base + path, call),
                **answer,
            }


def _body(call: dict[str, Any]) -> dict[str, Any]:
    content = call.get("requestBody", {}).get("content", {})
    body: dict[str, Any] = next(iter(content.values()), {})
    return dict(body.get("schema", {}))


def _parameters(call: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    for one in call.get("parameters", ()):
        yield one["name"], f"{one['schema']['type']} in the {one['in']}", one.get("description", ""), one["required"]


def _fields(body: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    for name, field in body.get("properties", {}).items():
        yield name, _kind(field), field.get("description", ""), name in body.get("required", ())


def _answer(call: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Give the fields and the example of what a call answers when all is well."""
    told: dict[str, Any] = next((r for status, r in call["responses"].items() if status.startswith("2")), {})
    schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    many = "items" in schema
    name = (schema["items"] if many else schema).get("$ref", "").rpartition("/")[2]
    model = known.get(name, {})
    fields = [(key, _kind(field), field.get("description", "")) for key, field in model.get("properties", {}).items()]
    examples = model.get("examples", ())
    ordered = [{key: one[key] for key, *_ in fields if key in one} for one in examples]
    example = json.dumps(ordered if many else ordered[0], indent=2) if examples else ""
    return {"of": name, "fields": fields, "example": example}


def _kind(field: dict[str, Any]) -> str:
    if field.get("format") == "binary":
        return "file"
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if field.get("type") == "array":
        kind = _kind(field["items"])
        return "files" if kind == "file" else f"list of {kind}"
    if "enum" in field or "const" in field:
        return " | ".join(json.dumps(value) for value in field.get("enum", [field.get("const")]))
    return str(field.get("type", "any"))


def _curl(method: str, address: str, call: dict[str, Any]) -> str:
    """A call to copy, with the examples that its description gives."""
    body, parts = _body(call), ["curl"] + ([f"-X {method}"] if method not in ("GET", "POST") else [])
    for name, field in body.get("properties", {}).items():
        if name in body.get("required", ()):
            kind = _kind(field)
            parts.append(f"-F {name}=@photo.jpg" if kind.startswith("file") else f"-F {name}={field['examples'][0]}")
    for one in call.get("parameters", ()):
        address = address.replace(f"{{{one['name']}}}", str(one["schema"]["examples"][0]))
    return " ".join([*parts, address])
