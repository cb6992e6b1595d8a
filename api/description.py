"""What the library cannot read off the views: the guide, examples, the form of refusals, that unknown fields are errors."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from drf_spectacular.openapi import AutoSchema

from api.examples import BODIES
from api.problems import MEDIA_TYPE, problem
from core.codes import CODES

_HERE = Path(__file__).parent
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
#: The order in which a newcomer needs them, with a line each.
_TAGS = {
    "transactions": "Report sales and find them again.",
    "orders": "All payments of an order, and what is left of each.",
    "refund-quotes": "Ask what the policy would say.",
    "refund-requests": "Submit, follow, correct, withdraw; staff decide.",
    "policy": "The rules in force, in words.",
    "analytics": "Figures of a period.",
    "reconciliations": "How a day compares with the channels' statements.",
}
#: status -> the code that a client meets most often with it
_TYPICAL = {
    400: "invalid_input",
    401: "invalid_api_key",
    403: "missing_scope",
    404: "not_found",
    409: "state_conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "exceeds_refundable",
    429: "throttled",
}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Called by the library with the finished document, which it changes and returns."""
    result["info"]["description"] = guide(language=get_language() or "")
    used = {tag for _, operation in _operations(result) for tag in operation.get("tags", ())}
    result["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items() if name in used]
    for name, operation in _operations(result):
        operation.setdefault(
            "summary", re.split(r"[.;:]\s|\.$", operation["description"], maxsplit=1)[0].replace("`", "")
        )
        body = operation.get("requestBody", {}).get("content", {})
        for form in body.values():
            _close(form.get("schema", {}), result["components"]["schemas"])
        if name in BODIES:
            body["application/json"]["examples"] = {
                title: {"summary": title, "value": value} for title, value in BODIES[name].items()
            }
        for status, response in operation["responses"].items():
            if status >= "4" and "content" in response:
                response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
                _explain(int(status), response)
    return result


@lru_cache(maxsize=4)
def guide(*, language: str) -> str:
    """The guide for developers, as Markdown, with this installation's address."""
    name = "guide.zh-hans.md" if language.startswith("zh") else "guide.en.md"
    return (_HERE / name).read_text(encoding="utf-8").replace("https://refunds.example", settings.BASE_URL)


def _explain(status: int, response: dict[str, Any]) -> None:
    """A refusal's description, and what a typical one looks like."""
    kind = CODES[_TYPICAL[status]]
    response["description"] = f"{kind.title} ({kind.name}), for example"
    errors = [{"field": "amount_fen", "code": "invalid", "message": "..."}] if status == HTTPStatus.BAD_REQUEST else []
    example = problem(status=status, code=kind.name, detail="...", errors=errors)
    response["content"][MEDIA_TYPE]["example"] = example


def _operations(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (operation["operationId"], operation)
        for path in result["paths"].values()
        for method, operation in path.items()
        if method in _METHODS
    ]


def _close(schema: dict[str, Any], components: dict[str, Any]) -> None:
    """Say of everything that is sent that it has no other fields than these."""
    if "$ref" in schema:
        _close(components[schema["$ref"].rsplit("/", 1)[1]], components)
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
        for inner in schema.get("properties", {}).values():
            _close(inner, components)
    for inner in (schema.get("items"), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        if inner:
            _close(inner, components)


class Description(AutoSchema):
    """Says of each call who may make it: keys with which scope, or staff alone."""

    def get_description(self) -> str:  # type: ignore[override]  # as the library itself overrides it
        scope = self._scope()
        who = f"Needs the scope `{scope}`." if scope else "For staff in their browser, not for keys."
        return f"{super().get_description()}\n\n{who}"

    def get_auth(self) -> list[dict[str, Any]]:
        schemes: list[dict[str, Any]] = super().get_auth()
        return schemes if self._scope() else [one for one in schemes if "apiKey" not in one]

    def _scope(self) -> str | None:
        view: Any = self.view
        scope: str | None = view.scopes.get(self.method)
        return scope
