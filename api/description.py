"""What the library cannot read off the views: the guide, examples, the form of refusals, that unknown fields are errors."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema

from api.problems import MEDIA_TYPE, problem
from api.shapes import instant
from core.codes import CODES, words

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
    "file_refund_batch": {
        "Two refunds": {"name": "双十一价保", "rows": [_WISH, {**_WISH, "order_no": "A20261120-3392"}]}
    },
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

#: The same for what is sent as a table.
TABLES: dict[str, str] = {
    "file_refund_batch": "order_no,amount_fen,reason,lines,customer.phone,customer_consent\n"
    "A20261120-3391,26800,quality,AF-4L:1,13800006021,true\n"
    "A20261120-3392,1200,goodwill,,13800006022,true\n",
}

_HERE = Path(__file__).parent
#: What fields mean, by name; what stands in English in the code, in Chinese; how names say their unit.
_EXAMPLE_HOST = "https://refunds.example"
_REFERENCE: dict[str, dict[str, Any]] = tomllib.loads(
    (_HERE / "reference.toml").read_text(encoding="utf-8").replace(_EXAMPLE_HOST, settings.BASE_URL)
)
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
    "imports": "Sales and refunds from a file: its columns are named, then it is a batch.",
    "api-keys": "What keys may do of their scopes.",
    "sandbox": "Test keys, and the sandbox that they work on.",
    "test": "What only test keys may do: time, payments, decisions and events of the sandbox.",
    "stores": "The merchant's stores.",
    "team-members": "Who works for the merchant, and what each may decide.",
    "review-settings": "How work on the desk is handed out, and how many decisions are looked at twice.",
    "reviewers": "Who decides refunds, whether they are at the desk, and what they take.",
    "channel-accounts": "Accounts at the payment channels.",
    "message-carriers": "Who carries SMS and WeChat messages, and the texts that they approved.",
    "message-orders": "By which medium customers are told first.",
    "alert-addresses": "Who is told of trouble.",
    "message-templates": "The merchant's own words to its customers.",
    "audit": "Signed checkpoints of the audit trail, for staff who may read it.",
    "key-stops": "The switches that stop keys.",
    "analytics": "Figures of a period.",
    "terminals": "How each till is, by its own word, and whether it takes refunds.",
    "events": "Everything that happens, in one order.",
    "webhook-endpoints": "Be called instead of asking.",
    "shifts": "Opening and closing a shift at a till, with its cash.",
    "incidents": "What is out of order, whom it affects, and what the provider says.",
    "tasks": "What customers still wait for, with an owner and a time.",
    "payment-files": "Transfers for the bank.",
    "payment-results": "What the bank made of them.",
    "reconciliations": "How a day compares with the channels' statements.",
}
#: status -> the code that a client meets most often with it, and a line for its log
_TYPICAL = {
    400: ("invalid_input", "the input has errors"),
    401: ("invalid_api_key", "the API key is unknown or revoked"),
    403: ("missing_scope", "the key lacks the scope"),
    404: ("not_found", "there is no such thing here"),
    406: ("not_acceptable", "answers are application/json"),
    409: ("state_conflict", "the request has moved on"),
    410: ("cursor_expired", "events after this cursor are no longer kept"),
    413: ("body_too_large", "the body is larger than this call takes: 1 MB, 8 MB for a picture"),
    415: ("unsupported_media_type", "send application/json"),
    422: ("exceeds_refundable", "more than can still be refunded"),
    429: ("throttled", "too many requests"),
    503: ("try_again", "the database is not there right now; try again"),
}
_REF = "#/components/headers/"
#: What answers carry, beside their body: name -> what it says, an example, whether it is a number.
_HEADERS: dict[str, tuple[str, str | int]] = {
    "X-Request-Id": (
        "The id of this request, the caller's own where it was 1 to 100 visible ASCII characters. It stands in every line of "
        "our logs: name it when you ask us.",
        "0197a3c45d6e7f809a1b2c3d4e5f6071",
    ),
    "RateLimit-Policy": ("Of a known caller: how many calls (`q`) in how many seconds (`w`).", '"calls";q=12000;w=10'),
    "RateLimit": (
        "Of a known caller: how many calls are left (`r`) for how many seconds (`t`).",
        '"calls";r=11988;t=7',
    ),
    "Retry-After": ("Seconds to wait before the same call.", 2),
    "Idempotent-Replayed": ("`true`: this is the first answer again; nothing was done twice.", "true"),
}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001 - a hook
    """Called by the library with the finished document, which it changes and returns."""
    components = result["components"]
    result["info"] |= {"description": guide(language=get_language() or ""), "license": _licence()}
    result["servers"] = [{"url": settings.BASE_URL, "description": "this installation"}]
    used = {tag for _, operation in _operations(result) for tag in operation.get("tags", ())}
    result["tags"] = [{"name": name, "description": in_words(text)} for name, text in _TAGS.items() if name in used]
    components["headers"] = {
        name: {
            "description": in_words(text),
            "schema": {"type": "integer" if isinstance(example, int) else "string"},
            "example": example,
        }
        for name, (text, example) in _HEADERS.items()
    }
    # RFC 9457: a problem may have members beside these.
    components["schemas"]["Problem"]["additionalProperties"] = True
    for name, schema in components["schemas"].items():
        _explain_shape(name, schema, components["schemas"])
    for name, operation in _operations(result):
        _explain_operation(name, operation, components["schemas"])
    return result


def _licence() -> dict[str, str]:
    """The terms are those between who runs an installation and who has a key of it; the guide says so at its end."""
    return {"name": _("By contract with whoever runs this installation"), "url": f"{settings.BASE_URL}/api/docs"}


@lru_cache(maxsize=4)
def guide(*, language: str) -> str:
    """The guide for developers, as Markdown, with this installation's address."""
    name = "guide.zh-hans.md" if _is_chinese(language) else "guide.en.md"
    return (_HERE / name).read_text(encoding="utf-8").replace(_EXAMPLE_HOST, settings.BASE_URL)


def in_words(text: str) -> str:
    """A text that stands in English in the code, in the reader's language; what nobody has translated stays as it is."""
    plain = " ".join(text.replace("``", "`").split())
    found: str = _REFERENCE["chinese"].get(plain, plain) if _is_chinese(get_language() or "") else plain
    return found


def _is_chinese(language: str) -> bool:
    return language.startswith("zh")


def _meaning(entry: list[Any]) -> str:
    text: str = entry[1 if _is_chinese(get_language() or "") else 0]
    return text


def _explain_shape(shape: str, schema: dict[str, Any], shapes: dict[str, Any]) -> None:
    """Meaning, unit and example of every field."""
    if "description" in schema:
        said, choices = _parts(schema["description"])
        schema["description"] = f"{in_words(said)}\n\n{choices}".strip()
    for name, field in schema.get("properties", {}).items():
        _explain_field(field, name, own=f"{_whole(shape)}.{name}", shapes=shapes)


def _whole(shape: str) -> str:
    """Fields of a list's rows mean what they do where the thing is told whole. A batch's row is a thing."""
    return f"{shape.removesuffix('RowOut')}Out" if shape.endswith("RowOut") and shape != "BatchRowOut" else shape


def _explain_field(field: dict[str, Any], name: str, *, own: str, shapes: dict[str, Any]) -> None:
    if {} in field.get("oneOf", ()):
        del field["oneOf"]  # anything, or null: which is anything
    if name.endswith("fen") and "integer" in str(field.get("type")):
        field["format"] = "int64"  # some languages have smaller numbers, and would refuse an order of 22 million yuan
    fields = _REFERENCE["fields"]
    usual = fields.get(name)
    said, choices = _parts(field.get("description", ""))
    if own in fields or not said:
        said = _meaning(fields.get(own) or usual or ["", ""])
    unit = next((_meaning(unit) for ending, unit in _REFERENCE["units"].items() if name.endswith(ending)), "")
    if text := "; ".join(part for part in (in_words(said), unit) if part):
        field["description"] = f"{text}\n\n{choices}".strip()
    if "examples" not in field and (example := _example(field, fields.get(own) or usual, shapes)) is not None:
        field["examples"] = [example]


def _parts(description: str) -> tuple[str, str]:
    """What is said of a field, and the library's list of its values: without the names of those that have no other name."""
    said, star, choices = description.partition("* `")
    return said.strip(), _SAME_NAME.sub(r"* `\1`", star + choices)


_SAME_NAME = re.compile(r"^\* `(\w*)` - \1$", re.M)


def _example(field: dict[str, Any], entry: list[Any] | None, shapes: dict[str, Any]) -> Any:
    """One value of a field; None for one that is made of others, or that nobody has given an example of."""
    schema = _resolved(field, shapes)
    choices = [choice for choice in schema.get("enum", ()) if choice not in ("", None)]
    given = entry[2] if entry and len(entry) > 2 else None
    kinds = schema.get("type", "")
    kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
    if choices:
        return given if given in choices else choices[0]
    if kind == "array" and isinstance(given, list):
        return given
    if kind == "array":
        inner = _resolved(schema["items"], shapes)
        return None if "properties" in inner else [_example(inner, entry, shapes)]
    if schema.get("format") in _FORMATS and not isinstance(given, str):
        return _FORMATS[schema["format"]]
    if kind == "boolean":
        return given if isinstance(given, bool) else False
    if kind == "integer" and isinstance(given, str):
        return 14
    if kind == "object":
        return None if "properties" in schema else {}
    return {} if not kind and given is None else given


_FORMATS = {
    "date-time": "2026-11-22T18:42:15+08:00",
    "date": "2026-11-22",
    "uuid": "0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "uri": settings.BASE_URL,
    "binary": "(file)",
}


def _resolved(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """What a field really is: behind a reference, or the first of several that is something."""
    if "$ref" in schema:
        return _resolved(shapes[schema["$ref"].rsplit("/", 1)[1]], shapes)
    for several in ("oneOf", "allOf", "anyOf"):
        if several in schema:
            found = [_resolved(one, shapes) for one in schema[several]]
            return next(
                (one for one in found if one.get("type") != "null" and one.get("enum") not in ([""], [None])), {}
            )
    return schema


def _sample(schema: dict[str, Any], shapes: dict[str, Any]) -> Any:
    """An example of a whole body, made of those of its fields."""
    if "examples" in schema:
        return schema["examples"][0]
    found = _resolved(schema, shapes)
    if "properties" in found:
        return {name: _sample(field, shapes) for name, field in found["properties"].items()}
    if found.get("type") == "array":
        return [_sample(found["items"], shapes)]
    return found["examples"][0] if "examples" in found else None


def _explain_operation(name: str, operation: dict[str, Any], shapes: dict[str, Any]) -> None:
    text, who = operation["description"].rsplit("\n\n", 1)
    operation["description"] = f"{in_words(text)}\n\n{who}"
    operation["summary"] = re.split(r"[.;:]\s|[。；：]|\.$", in_words(text), maxsplit=1)[0].replace("`", "")
    for parameter in operation.get("parameters", ()):
        own = f"?{parameter['name']}"
        field = {**parameter["schema"], "description": parameter.get("description", "")}
        _explain_field(field, parameter["name"], own=own, shapes=shapes)
        parameter["description"] = field["description"]
        if "examples" in field:
            parameter["example"] = field["examples"][0]
    body = operation.get("requestBody", {}).get("content", {})
    for form in body.values():
        _close(form.get("schema", {}), shapes)
    if name in BODIES:
        body["application/json"]["examples"] = {
            title: {"summary": title, "value": value} for title, value in BODIES[name].items()
        }
    elif "application/json" in body:
        body["application/json"]["example"] = _sample(body["application/json"]["schema"], shapes)
    if name in TABLES:
        body["text/csv"]["example"] = TABLES[name]
    for always in (406, *((413, 415) if body else ()), 503):
        operation["responses"].setdefault(str(always), {"content": dict(operation["responses"]["401"]["content"])})
    is_once = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    for status, response in operation["responses"].items():
        headers = ["X-Request-Id"]
        headers += ["RateLimit-Policy", "RateLimit"] if status != "401" else []
        headers += ["Retry-After"] if status in {"409", "429", "503"} else []
        headers += ["Idempotent-Replayed"] if is_once and status < "3" else []
        response["headers"] = {header: {"$ref": _REF + header} for header in headers}
        if status >= "4":
            content = response["content"]
            response["content"] = {MEDIA_TYPE: dict(content.get("application/json") or content[MEDIA_TYPE])}
            _explain(int(status), response)
        elif "application/json" in response.get("content", {}):
            response["description"] = _DONE["201" if status == "201" else "200"][_is_chinese(get_language() or "")]
            form = response["content"]["application/json"]
            form["example"] = _sample(form["schema"], shapes)


_DONE = {"200": ("As asked.", "成功。"), "201": ("Made.", "已创建。")}


def _explain(status: int, response: dict[str, Any]) -> None:
    """A refusal's description, and what a typical one looks like."""
    code, detail = _TYPICAL[status]
    kind = CODES[code]
    response["description"] = f"{kind.title} ({kind.name})"
    field = {400: ("reason", "required"), 422: (kind.field, kind.name)}.get(status)
    errors = [{"field": field[0], "code": field[1], "message": words(field[1])}] if field else []
    more = {"state": "approved", "version": 4} if status == HTTPStatus.CONFLICT else {}
    example = problem(status=status, code=kind.name, detail=detail, errors=errors, **more)
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
        who = (
            _("Needs the scope `{scope}`.").format(scope=scope)
            if scope
            else _("For staff in their browser, not for keys.")
        )
        return f"{super().get_description()}\n\n{who}"

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        """As the library does it, with what a field of ours declares of itself; None takes a word of the library's back."""
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]  # the library has no types
        if schema.get("default") == "" and schema.get("minLength"):
            del schema["default"]  # what is left out, not what may be sent
        declared = getattr(field, "declares", {})
        if (
            declared and "oneOf" in schema
        ):  # an address or the empty text, which is both where formats are not looked at
            schema |= schema.pop("oneOf")[0]
        for word, value in declared.items():
            schema[word] = value
            if value is None:
                del schema[word]

    def get_auth(self) -> list[dict[str, Any]]:
        schemes: list[dict[str, Any]] = super().get_auth()
        return schemes if self._scope() else [one for one in schemes if "apiKey" not in one]

    def _scope(self) -> str | None:
        view: Any = self.view
        scope: str | None = view.scopes.get(self.method)
        return scope
