"""What the library cannot read off the views: the guide, examples, the form of refusals, that unknown fields are errors."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.openapi import AutoSchema

from api.problems import MEDIA_TYPE, problem
from api.shapes import instant
from core.codes import CODES

_SALE: dict[str, Any] = {
    "order_no": "A20261120-3391",
    "channel": "wechat",
    "channel_transaction_no": "4200001234202611200000000001",
    "kind": "sale",
    "amount_fen": 33_980,
    "paid_at": instant(timezone.now().replace(microsecond=0) - timedelta(hours=1)),
    "store": "S001",
    "terminal": "POS-01",
    "cashier": "C001",
    "payer": {"phone": "13800006021", "card_last4": None, "funding": "balance"},
    "lines": [
        {"sku": "AF-4L", "name": "空气炸锅 4L", "quantity": 1, "unit_price_fen": 26_800, "amount_fen": 26_800},
        {"sku": "KT-01", "name": "电热水壶", "quantity": 2, "unit_price_fen": 3_590, "amount_fen": 7_180},
    ],
}
_WISH: dict[str, Any] = {
    "order_no": "A20261120-3391",
    "amount_fen": 26_800,
    "reason": "quality",
    "description": "面板开裂",
    "route": "original",
    "lines": [{"sku": "AF-4L", "quantity": 1}],
    "customer": {"name": "王敏", "phone": "13800006021", "locale": "zh-Hans"},
    "customer_consent": True,
}

#: operation -> title -> body
BODIES: dict[str, dict[str, Any]] = {
    "report_transaction": {"A sale with its articles": _SALE},
    "quote_refund": {
        "An article": _WISH,
        "An amount": {"order_no": "A20261120-3391", "amount_fen": 100, "reason": "goodwill"},
    },
    "submit_refund_request": {"An article": _WISH},
    "cancel_refund_request": {"Withdrawn": {"version": 3, "note": "顾客改变主意"}},
    "resubmit_refund_request": {"A lower amount": {"version": 4, "amount_fen": 20_000, "description": "照片已补"}},
    "claim_refund_request": {"As it was seen": {"version": 3}},
    "approve_refund_request": {
        "In full": {"version": 3, "note": "照片清楚"},
        "In part": {"version": 3, "amount_fen": 20_000},
    },
    "reject_refund_request": {
        "With a reason": {"version": 3, "reason_code": "not_covered", "message": "超出约定的退款范围"}
    },
    "request_info_refund_request": {"A picture": {"version": 3, "message": "请补一张面板的照片"}},
}


_HERE = Path(__file__).parent
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
#: The order in which a newcomer needs them, with a line each.
_TAGS = {
    "transactions": "Report sales and find them again.",
    "orders": "All payments of an order, and what is left of each.",
    "no-receipt-cases": "Customers without a receipt, and tills that print none.",
    "refund-quotes": "Ask what the policy would say.",
    "refund-requests": "Submit, follow, correct, withdraw; staff decide.",
    "evidence": "Photos and papers that are sent ahead of a request.",
    "policy": "The rules in force, in words.",
    "opening-hours": "When stores are open, and other days than the calendar's.",
    "graces": "More time for stores after a disaster.",
    "delegations": "Who decides for whom while they are away.",
    "refund-batches": "Many refunds at once: checked, confirmed by a second person, taken in row by row.",
    "api-keys": "What keys may do of their scopes.",
    "key-stops": "The switches that stop keys.",
    "analytics": "Figures of a period.",
    "terminals": "How each till is, by its own word, and whether it takes refunds.",
    "events": "Everything that happens, in one order.",
    "webhook-endpoints": "Be called instead of asking.",
    "reconciliations": "How a day compares with the channels' statements.",
}
#: status -> the code that a client meets most often with it
_TYPICAL = {
    400: "invalid_input",
    401: "invalid_api_key",
    403: "missing_scope",
    404: "not_found",
    409: "state_conflict",
    410: "cursor_expired",
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
