"""A shop with limits that are soon reached, asked for refunds through REST: one after another and at once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from merchants.models import Merchant
from terminals.models import Transaction
from tests.api.conftest import Api
from tests.factories import RULES, make_merchant, make_sale

LIMIT_100: dict[str, Any] = {**RULES, "auto_approve_limit_fen": 10_000}
_number = itertools.count(1)


def shop(**rules: Any) -> Merchant:
    """A merchant that approves up to 100.00 by rule."""
    return make_merchant(rules={**LIMIT_100, **rules})


def body(sale: Transaction, amount_fen: int, **fields: Any) -> dict[str, Any]:
    return {
        "transaction": str(sale.pk),
        "amount_fen": amount_fen,
        "reason": "quality",
        "customer_consent": True,
        "is_another": True,
        **fields,
    }


def ask(api: Any, sale: Transaction, amount_fen: int, **fields: Any) -> dict[str, Any]:
    """A request through REST; the answer's body."""
    answer = api.post("refund-requests", body(sale, amount_fen, **fields))
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def failing(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {rule["code"]: (rule["actual"], rule["limit"]) for rule in answer["verdict"]["rules"] if not rule["passed"]}


def sales(merchant: Merchant, count: int, amount_fen: int = 10_000, **fields: Any) -> list[Transaction]:
    """Sales of different cashiers and customers, unless the fields say otherwise."""
    made = []
    for _ in range(count):
        number = next(_number)
        made.append(make_sale(merchant, amount_fen, **{"cashier": f"K{number}", "phone": f"139{number:08d}", **fields}))
    return made


def at_once(actions: Sequence[Callable[[], Any]], *, width: int = 10) -> list[Any]:
    """What each gave, ``width`` of them at a time over connections of their own."""
    answers: list[Any] = [None] * len(actions)
    start, places = threading.Barrier(min(width, len(actions))), iter(range(len(actions)))
    lock = threading.Lock()

    def run() -> None:
        start.wait(30)
        try:
            while True:
                with lock:
                    place = next(places, None)
                if place is None:
                    return
                answers[place] = actions[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(min(width, len(actions)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def post(api: Api, sale: Transaction, amount_fen: int, **fields: Any) -> Callable[[], Any]:
    return lambda: api.post("refund-requests", body(sale, amount_fen, **fields))
