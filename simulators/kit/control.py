"""The control API: loopback JSON by which tests and people play the rest of the world."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from itertools import islice
from typing import cast

from aiohttp import web

from simulators.kit.book import ABNORMAL, SUCCESS, Accepted, PastRefund
from simulators.kit.clock import rfc3339
from simulators.kit.page import page
from simulators.kit.reading import MAX_FEN, BadOrder, instant, number, only, text, whole
from simulators.kit.simulator import Simulator
from simulators.kit.wire import Unreadable, read_json

#: Bulk seeds of tens of thousands of payments are a few megabytes.
MAX_BODY = 256 * 1024 * 1024
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
#: How far the clock may be moved: a decade. Further away no calendar would follow.
MAX_OFFSET_S = 3_650 * 86_400.0
MAX_BALANCE_FEN = 10**15
#: The longest latency that can be ordered; callers give up long before.
MAX_PAUSE_MS = 600_000.0
MAX_ROWS = 100_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_app(simulator: Simulator) -> web.Application:
    """The control API of a simulator."""
    api = _Control(simulator)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_guard])
    app.add_routes(
        [
            web.get("/", api.page),
            web.get("/health", api.health),
            web.post("/payments", api.add_payments),
            web.get("/payments", api.payments),
            web.get("/ledger", api.ledger),
            web.get("/refunds", api.refunds),
            web.post("/refunds", api.refund_in_portal),
            web.post("/past", api.add_past),
            web.post("/settle", api.settle),
            web.get("/notices", api.notices),
            web.get("/faults", api.faults),
            web.post("/faults", api.order_fault),
            web.delete("/faults", api.clear_faults),
            web.get("/balance", api.balance),
            web.post("/balance", api.set_balance),
            web.get("/clock", api.clock),
            web.post("/clock", api.set_clock),
            web.post("/latency", api.set_latency),
            web.post("/limits", api.set_limits),
            web.post("/magic", api.set_magic),
            web.post("/reset", api.reset),
            *simulator.control_routes(),
        ]
    )
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer to this machine only, also when a browser has been led astray by a foreign name or page."""
    host = request.host.rsplit(":", 1)[0] if not request.host.startswith("[") else request.host.split("]")[0] + "]"
    if host not in LOOPBACK:
        return answer({"error": "the control API answers on loopback names only"}, status=403)
    if request.can_read_body and request.method != "GET" and request.content_type != "application/json":
        return answer({"error": "send application/json"}, status=415)
    try:
        return await handler(request)
    except (Unreadable, BadOrder) as error:
        return answer({"error": str(error)}, status=400)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        allowed = error.headers.get("Allow")
        refused = answer({"error": f"{request.method} {request.path}: {error.reason}"}, status=error.status)
        if allowed:
            refused.headers["Allow"] = allowed
        return refused


def answer(payload: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=json.dumps(payload, ensure_ascii=False).encode(), status=status, content_type="application/json"
    )


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def page(self, request: web.Request) -> web.Response:
        return page(self._simulator, controls=True)

    async def health(self, request: web.Request) -> web.Response:
        return answer({"ok": True, "name": self._simulator.name, **self._simulator.book.totals()})

    async def add_payments(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        given = body.get("payments", [body])
        if not isinstance(given, list) or not all(isinstance(payment, dict) for payment in given):
            raise BadOrder("payments must be a list of objects")
        count = self._simulator.book.add_payments(cast("list[dict[str, object]]", given))
        await self._simulator.store.durable()
        return answer({"seeded": count}, status=201)

    async def payments(self, request: web.Request) -> web.Response:
        only(request.query, {"order_no", "transaction_no"})
        found = self._simulator.book.payment(
            order_no=request.query.get("order_no", ""), transaction_no=request.query.get("transaction_no", "")
        )
        if found is None:
            return answer({"error": "no such payment"}, status=404)
        shown = dict(found)
        shown["paid_at"] = rfc3339(found["paid_at"])
        shown["last_refund_at"] = rfc3339(found["last_refund_at"]) if found["last_refund_at"] else None
        shown["extra"] = json.loads(found["extra"])
        return answer(shown)

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        only(query, {"order_no", "refund_no"})
        rows = self._simulator.book.ledger(order_no=query.get("order_no", ""), refund_no=query.get("refund_no", ""))
        return await _stream_rows(request, rows)

    async def refunds(self, request: web.Request) -> web.Response:
        query = request.query
        only(query, {"order_no", "refund_no", "limit"})
        rows = self._simulator.book.refunds(
            order_no=query.get("order_no", ""), refund_no=query.get("refund_no", ""), limit=_limit(query.get("limit"))
        )
        return answer({"rows": rows})

    async def refund_in_portal(self, request: web.Request) -> web.Response:
        """A refund made by hand in the channel's own portal; the product is told by a notice to ``notify_url`` at most.
        ``outcome`` ABNORMAL: the payer's card is closed.
        """
        body = await read_json(request)
        outcome = body.get("outcome", SUCCESS)
        if outcome not in (SUCCESS, ABNORMAL):
            raise BadOrder("outcome must be SUCCESS or ABNORMAL")
        payment = self._simulator.book.payment(order_no=text(body.get("order_no"), "order_no"))
        if payment is None:
            raise BadOrder("no such payment")
        refund_no = text(body.get("refund_no"), "refund_no")
        amount_fen = whole(body.get("amount_fen"), "amount_fen", least=1, most=MAX_FEN)
        if payment["refunded_fen"] + amount_fen > payment["amount_fen"]:
            raise BadOrder("more than was paid")
        key = self._simulator.portal_key(order_no=payment["order_no"], refund_no=refund_no)
        if self._simulator.book.refund(key) is not None:
            raise BadOrder("this refund_no exists")
        self._simulator.accept(
            Accepted(
                key=key,
                refund_no=refund_no,
                order_no=payment["order_no"],
                transaction_no=payment["transaction_no"],
                amount_fen=amount_fen,
                outcome=str(outcome),
                settle_at=self._simulator.due_in(0),
                fingerprint="portal",
                notify_url=text(body["notify_url"], "notify_url") if body.get("notify_url") else "",
            )
        )
        self._simulator.settle(key)
        await self._simulator.store.durable()
        return answer({"rows": self._simulator.book.refunds(refund_no=refund_no)}, status=201)

    async def add_past(self, request: web.Request) -> web.Response:
        """Refunds of the past, so that sample data and this ledger tell the same story."""
        given = (await read_json(request)).get("refunds")
        if not isinstance(given, list) or not all(isinstance(refund, dict) for refund in given):
            raise BadOrder("refunds must be a list of objects")
        past = [self._past(cast("dict[str, object]", refund), position) for position, refund in enumerate(given)]
        count = self._simulator.book.add_past(past)
        await self._simulator.store.durable()
        return answer({"seeded": count}, status=201)

    def _past(self, given: dict[str, object], position: int) -> PastRefund:
        place = f"refund {position}"
        order_no = text(given.get("order_no"), f"{place}: order_no")
        refund_no = text(given.get("refund_no"), f"{place}: refund_no")
        channel_refund_no = text(given.get("channel_refund_no"), f"{place}: channel_refund_no")
        moved_at = instant(given.get("moved_at"), f"{place}: moved_at")
        amount_fen = whole(given.get("amount_fen"), f"{place}: amount_fen", least=1, most=MAX_FEN)
        kind = given.get("kind", "refund")
        if kind not in {"refund", "void"}:
            raise BadOrder(f"{place}: kind must be refund or void")
        payment = self._simulator.book.payment(order_no=order_no)
        if payment is None or amount_fen > payment["amount_fen"]:
            raise BadOrder(f"{place}: no payment {order_no} of at least this amount")
        return PastRefund(
            key=self._simulator.portal_key(order_no=order_no, refund_no=refund_no),
            refund_no=refund_no,
            channel_refund_no=channel_refund_no,
            order_no=order_no,
            amount_fen=amount_fen,
            kind=str(kind),
            moved_at=moved_at,
        )

    async def settle(self, request: web.Request) -> web.Response:
        """Let processing refunds reach an outcome now, optionally another one than they were headed for."""
        body = await read_json(request)
        only(body, {"refund_no", "outcome"})
        outcome = body.get("outcome")
        if outcome not in (None, "SUCCESS", "ABNORMAL", "CLOSED"):
            raise BadOrder("outcome must be SUCCESS, ABNORMAL or CLOSED")
        refund_no = text(body.get("refund_no"), "refund_no", empty=True)
        if refund_no and not self._simulator.book.refunds(refund_no=refund_no, limit=1):
            return answer({"error": f"no refund {refund_no}"}, status=404)
        refunds = self._simulator.book.stuck(refund_no)
        for refund in refunds:
            if outcome is not None:
                self._simulator.book.change_outcome(
                    key=refund["key"], outcome=str(outcome), settle_at=None, extra=json.loads(refund["extra"])
                )
            self._simulator.settle(refund["key"])
        await self._simulator.store.durable()
        return answer({"settled": len(refunds)})

    async def notices(self, request: web.Request) -> web.Response:
        office = self._simulator.office
        return answer({"owed": office.pending(), "deliveries": [asdict(entry) for entry in reversed(office.log)]})

    async def faults(self, request: web.Request) -> web.Response:
        faults = self._simulator.faults
        known = [
            {"operation": operation, "fault": name, **asdict(kind)}
            for operation, kinds in faults.catalogue.items()
            for name, kind in kinds.items()
        ]
        queued = [asdict(fault) for fault in faults.queue]
        return answer(
            {
                "faults": known,
                "queued": queued,
                "random": faults.mix,
                "injected": dict(faults.injected),
                "spoiled": self._simulator.spoiled.rows,
            }
        )

    async def order_fault(self, request: web.Request) -> web.Response:
        self._simulator.faults.order(await read_json(request))
        await self._simulator.store.durable()
        return answer({"queued": len(self._simulator.faults.queue), "random": self._simulator.faults.mix}, status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._simulator.faults.clear()
        await self._simulator.store.durable()
        return answer({"queued": 0})

    async def balance(self, request: web.Request) -> web.Response:
        return answer({"available_fen": self._simulator.available_fen})

    async def set_balance(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        only(body, {"available_fen"})
        if "available_fen" not in body:
            raise BadOrder("available_fen is needed: an amount in fen, or null for no limit")
        given = body["available_fen"]
        available = None if given is None else whole(given, "available_fen", least=0, most=MAX_BALANCE_FEN)
        self._simulator.set_balance(available)
        await self._simulator.store.durable()
        return await self.balance(request)

    async def clock(self, request: web.Request) -> web.Response:
        clock = self._simulator.clock
        now = clock.now().isoformat(timespec="milliseconds")
        return answer({"offset_s": clock.offset_s, "skew_s": clock.skew_s, "now": now})

    async def set_clock(self, request: web.Request) -> web.Response:
        """``offset_s`` lets days pass; ``skew_s`` makes the clock of signatures wrong."""
        body = await read_json(request)
        moves = {"offset_s": self._simulator.set_clock, "skew_s": self._simulator.set_skew}
        only(body, moves)
        if not body:
            raise BadOrder("offset_s or skew_s is needed, in seconds")
        given = {name: number(body[name], name, least=-MAX_OFFSET_S, most=MAX_OFFSET_S) for name in body}
        for name, seconds in given.items():
            moves[name](seconds)
        await self._simulator.store.durable()
        return await self.clock(request)

    async def set_latency(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        only(body, {"operation", "fixed_ms", "tail_ms", "tail_rate"})
        operation = body.get("operation", "*")
        if operation not in ("*", *self._simulator.catalogue):
            raise BadOrder(f"operation must be one of *, {', '.join(self._simulator.catalogue)}")
        order = {
            "fixed_ms": number(body.get("fixed_ms", 0), "fixed_ms", least=0, most=MAX_PAUSE_MS),
            "tail_ms": number(body.get("tail_ms", 0), "tail_ms", least=0, most=MAX_PAUSE_MS),
            "tail_rate": number(body.get("tail_rate", 0), "tail_rate", least=0, most=1),
        }
        self._simulator.set_latency(operation=str(operation), order=order)
        await self._simulator.store.durable()
        return answer(self._simulator.latency)

    async def set_limits(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        only(body, self._simulator.default_limits)
        if not body:
            raise BadOrder(f"name a limit: {', '.join(self._simulator.default_limits)}")
        self._simulator.set_limits({name: number(value, name, least=0, most=1e9) for name, value in body.items()})
        await self._simulator.store.durable()
        return answer(self._simulator.limits)

    async def set_magic(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        only(body, {"enabled"})
        enabled = body.get("enabled")
        if not isinstance(enabled, bool):
            raise BadOrder("enabled must be true or false")
        self._simulator.set_magic(enabled=enabled)
        await self._simulator.store.durable()
        return answer({"enabled": enabled})

    async def reset(self, request: web.Request) -> web.Response:
        self._simulator.reset()
        await self._simulator.store.durable()
        return answer({"ok": True})


async def _stream_rows(request: web.Request, rows: Iterable[dict[str, object]]) -> web.StreamResponse:
    """``{"rows": [...]}`` of any length, without holding it."""
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    await response.prepare(request)
    remaining, opening = iter(rows), '{"rows": ['
    while batch := list(islice(remaining, 500)):
        text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in batch)
        await response.write(f"{opening}{text}".encode())
        opening = ",\n"
    await response.write(('{"rows": []}' if opening != ",\n" else "]}").encode())
    await response.write_eof()
    return response


def _limit(asked: str | None) -> int:
    """How many rows to show. Raises BadOrder."""
    if asked is None:
        return 500
    if not asked.isascii() or not asked.isdecimal() or not 1 <= int(asked[:9]) <= MAX_ROWS:
        raise BadOrder(f"limit must be a number from 1 to {MAX_ROWS}")
    return int(asked)
