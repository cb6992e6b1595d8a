"""Rows by the thousand, written straight into the tables, for figures to be checked against plain Python."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from merchants.models import Merchant, PolicyVersion, Role, Staff, Store
from refunds.models import Approval, Execution, RefundRequest, Survey
from refunds.states import PAID, RELEASED, ExecutionState, Reason, State
from terminals.models import Terminal, Transaction
from tests.factories import make_account, make_merchant, make_staff

_numbers = itertools.count(1)

STORED = [
    State.NEEDS_INFO,
    State.IN_REVIEW,
    State.APPROVED,
    State.REJECTED,
    State.CANCELLED,
    State.EXECUTING,
    State.UNKNOWN,
    State.FAILED,
    State.REFUNDED,
    State.FOLLOW_UP,
    State.CLOSED,
]
UNDECIDED = (State.NEEDS_INFO, State.IN_REVIEW)


@dataclass
class World:
    """A merchant with stores, tills and reviewers; ``sales`` and ``requests`` are what was written."""

    merchant: Merchant = field(default_factory=make_merchant)
    stores: list[Store] = field(default_factory=list)
    tills: dict[int, list[Terminal]] = field(default_factory=dict)
    reviewers: list[Staff] = field(default_factory=list)
    sales: list[Transaction] = field(default_factory=list)
    requests: list[RefundRequest] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = make_account(self.merchant)
        self.policy = PolicyVersion.objects.get(merchant=self.merchant)
        self.reviewers = [make_staff(self.merchant, Role.REVIEWER) for _ in range(2)]
        self.stores = [
            self.merchant.stores.get(code="S001"),
            *(Store.objects.create(merchant=self.merchant, code=f"S00{n}", name=f"{n}号店") for n in (2, 3)),
        ]
        for store in self.stores:
            Terminal.objects.get_or_create(store=store, code="POS-01")
            Terminal.objects.create(store=store, code="POS-02")
            self.tills[store.pk] = list(store.terminals.order_by("code"))

    def sale(self, *, at: datetime, store: Store | None = None, amount_fen: int = 10_000, **fields: Any) -> Transaction:
        """A payment, kept in memory until ``write``."""
        number = next(_numbers)
        values: dict[str, Any] = {
            "merchant": self.merchant,
            "store": store or self.stores[0],
            "channel_account": self.account,
            "channel": "wechat",
            "order_no": f"B{number:08d}",
            "channel_transaction_no": f"4300{number:024d}",
            "amount_fen": amount_fen,
            "paid_at": at,
            "cashier": "C001",
            "created_at": at,
        }
        row = Transaction(**{**values, **fields})
        self.sales.append(row)
        return row

    def request(
        self,
        sale: Transaction,
        *,
        state: State,
        created_at: datetime,
        decided_at: datetime | None = None,
        succeeded_at: datetime | None = None,
        **fields: Any,
    ) -> RefundRequest:
        """A request of ``sale`` in any stored state, kept in memory until ``write``."""
        number = next(_numbers)
        amount = fields.pop("amount_fen", 1_000)
        reserved = 0 if state in RELEASED else amount
        sale.reserved_fen += reserved
        if state in PAID:
            sale.refunded_fen += reserved
            succeeded_at = succeeded_at or created_at + timedelta(minutes=3)
        if state not in UNDECIDED and state is not State.CANCELLED:
            decided_at = decided_at or created_at + timedelta(minutes=1)
        values: dict[str, Any] = {
            "number": f"RF-T-{number:06d}",
            "merchant": sale.merchant,
            "store": sale.store,
            "transaction": sale,
            "channel": sale.channel,
            "state": state,
            "kind": "goods_return",
            "reason": Reason.QUALITY,
            "amount_fen": amount,
            "approved_fen": None if state in (*UNDECIDED, State.REJECTED, State.CANCELLED) else amount,
            "reserved_fen": reserved,
            "refunded_fen": reserved if state in PAID else 0,
            "policy_version": self.policy,
            "verdict": {},
            "tier": "manager",
            "cashier": sale.cashier,
            "due_at": created_at + timedelta(minutes=30),
            "created_at": created_at,
            "updated_at": created_at,
            "decided_at": decided_at,
            "succeeded_at": succeeded_at,
        }
        row = RefundRequest(**{**values, **fields})
        self.requests.append(row)
        return row

    def execution(self, request: RefundRequest, *, failed: str = "", sends: int = 1, attempt_no: int = 1) -> None:
        number = next(_numbers)
        at = request.succeeded_at or request.created_at
        self.executions.append(
            Execution(
                merchant=request.merchant,
                request=request,
                transaction=request.transaction,
                channel_account=self.account,
                attempt_no=attempt_no,
                refund_no=f"RFT{number:06d}",
                amount_fen=request.amount_fen,
                state=ExecutionState.FAILED if failed else ExecutionState.SUCCEEDED,
                sends=sends,
                channel_refund_no="" if failed else f"5000{number:06d}",
                succeeded_at=None if failed else at,
                ended_at=at,
                proof="" if failed else "-",
                failure_code=failed,
                created_at=request.created_at,
            )
        )

    def write(self) -> None:
        """Store everything built so far."""
        Transaction.objects.bulk_create(self.sales)
        RefundRequest.objects.bulk_create(self.requests)
        Execution.objects.bulk_create(self.executions)
        Survey.objects.bulk_create(self.surveys)
        Approval.objects.bulk_create(self.approvals)

    def fill(self, *, seed: int, start: datetime, end: datetime, count: int) -> None:
        """Sales, and requests in every state, at random over a span; seconds matter at its edges."""
        pick = random.Random(seed)
        seconds = int((end - start).total_seconds())
        for _ in range(count):
            store = pick.choice(self.stores)
            sale = self.sale(
                at=start + timedelta(seconds=pick.randrange(seconds)),
                store=store,
                amount_fen=pick.randrange(5_000, 90_000),
                channel=pick.choice(["wechat", "wechat", "alipay"]),
                cashier=pick.choice(["C001", "C002", "C003"]),
                status=pick.choice(["success"] * 9 + ["declined"]),
                terminal=pick.choice([None, *self.tills[store.pk]]),
            )
            if sale.status == "success" and pick.random() < 0.6:
                self._random_request(pick, sale, start=start, seconds=seconds)

    def _random_request(self, pick: random.Random, sale: Transaction, *, start: datetime, seconds: int) -> None:
        created = start + timedelta(seconds=pick.randrange(seconds))
        state = pick.choice([*STORED, State.CLOSED, State.CLOSED, State.REFUNDED])
        decided = created + timedelta(seconds=pick.randrange(10, 5_000))
        by_rule = state not in (*UNDECIDED, State.REJECTED) and pick.random() < 0.5
        request = self.request(
            sale,
            state=state,
            created_at=created,
            decided_at=None if state in UNDECIDED else decided,
            succeeded_at=decided + timedelta(seconds=pick.randrange(1, 200_000)) if state in PAID else None,
            reason=pick.choice(list(Reason)[:5]),
            amount_fen=pick.randrange(100, 5_000),
            by_rule=by_rule,
            terminal=pick.choice([None, *self.tills[sale.store.pk]]),
        )
        if state in PAID:
            self.execution(request, sends=pick.choice([1, 1, 2]), attempt_no=pick.choice([1, 1, 2]))
            if pick.random() < 0.4:
                self.surveys.append(
                    Survey(request=request, score=pick.randint(1, 5), at=request.succeeded_at or decided)
                )
        elif state is State.FAILED:
            self.execution(request, failed=pick.choice(["NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL"]))
        if not by_rule and state not in (*UNDECIDED, State.CANCELLED):
            self.approvals.append(
                Approval(
                    request=request,
                    staff=pick.choice(self.reviewers),
                    decision="reject" if state is State.REJECTED else "approve",
                    tier="manager",
                    version=4,
                    at=decided,
                )
            )


def month_of_a_chain(*, now: datetime) -> World:
    """Two months of five stores, busy in the evenings; one till of the first store charges customers twice lately."""
    pick = random.Random(5)
    world = World()
    world.merchant.name = "鲜禾生活"
    world.merchant.save()
    names = {
        "S001": "城西万象店",
        "S002": "滨江天街店",
        "S003": "杭州西溪银泰店",
        "S004": "武林银泰店",
        "S005": "余杭未来店",
    }
    for code, name in names.items():
        store, _ = Store.objects.update_or_create(merchant=world.merchant, code=code, defaults={"name": name})
        for till in ("POS-01", "POS-11"):
            Terminal.objects.get_or_create(store=store, code=till)
        world.tills[store.pk] = list(store.terminals.order_by("code"))
    world.stores = list(world.merchant.stores.order_by("code"))
    for day in range(60):
        for _ in range(24):
            at = now.replace(
                hour=pick.choice([9, 10, 11, 12, 12, 13, 15, 17, 18, 18, 19, 19, 20]), minute=pick.randrange(60)
            )
            _sale_of_the_day(pick, world, at - timedelta(days=day), now=now, lately=day < 25)
    world.write()
    return world


def _sale_of_the_day(pick: random.Random, world: World, at: datetime, *, now: datetime, lately: bool) -> None:
    store = pick.choice(world.stores)
    troubled = store is world.stores[0] and lately
    sale = world.sale(
        at=at,
        store=store,
        amount_fen=pick.randrange(2_000, 40_000),
        channel=pick.choices(["wechat", "alipay", "unionpay"], [6, 3, 1])[0],
        cashier=pick.choice(["C001", "C002", "C003"]),
    )
    created = at + timedelta(minutes=pick.randrange(5, 150))
    if created >= now or pick.random() > (0.5 if troubled else 0.13):
        return
    twice = troubled and pick.random() < 0.75
    by_rule = pick.random() < 0.62
    decided = created + timedelta(seconds=4 if by_rule else pick.randrange(90, 2_000))
    ends = [State.CLOSED] * 22 + [State.FOLLOW_UP, State.REFUNDED, State.FAILED]
    if not by_rule:
        ends += [State.REJECTED] * 5 + [State.CANCELLED]
        ends += [State.IN_REVIEW] * 20 if now - created < timedelta(hours=3) else []
    state = pick.choice(ends)
    request = world.request(
        sale,
        state=state,
        created_at=created,
        decided_at=None if state in UNDECIDED else decided,
        succeeded_at=decided + timedelta(seconds=pick.randrange(2, 9)) if state in PAID else None,
        reason=Reason.DUPLICATE_CHARGE if twice else pick.choices(list(Reason)[:6], [9, 3, 4, 2, 3, 1])[0],
        amount_fen=pick.randrange(500, sale.amount_fen),
        by_rule=by_rule,
        terminal=world.tills[store.pk][-1] if twice else pick.choice(world.tills[store.pk]),
    )
    if state in PAID:
        world.execution(request)
        if pick.random() < 0.38:
            score = pick.choices([5, 4, 3, 2, 1], [58, 27, 9, 4, 2])[0]
            world.surveys.append(Survey(request=request, score=score, at=created))
    elif state is State.FAILED:
        world.execution(request, failed=pick.choice(["NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL"]))
    if not by_rule and state not in (*UNDECIDED, State.CANCELLED):
        world.approvals.append(
            Approval(
                request=request,
                staff=pick.choice(world.reviewers),
                decision="reject" if state is State.REJECTED else "approve",
                tier="manager",
                version=4,
                at=decided,
            )
        )
