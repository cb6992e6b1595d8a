"""Two people, a key and a worker at one refund in the same moment, through gunicorn: whoever was told yes was told the truth, and
money moves once.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.errors import DomainError
from merchants import api_keys, delegations, policies, team
from merchants.models import ApiKey, ChannelAccount, Merchant, Staff
from merchants.principals import of_staff
from refunds.models import Execution, RefundRequest
from refunds.payouts import accounts
from terminals.models import Transaction
from tests.api.conftest import api_for
from tests.factories import RULES, make_request, make_staff, wechat_credentials
from tests.faults.house import PATIENCE_S, Channel, House, wait_until
from tests.faults.work import paid_sales

pytestmark = pytest.mark.faults

#: Above what a rule approves: a person decides.
IN_REVIEW_FEN = 26_800
_OVER = ("refunded", "rejected", "cancelled", "failed", "in_review", "needs_info")


@dataclass(frozen=True)
class Told:
    """What somebody was answered; ``status`` 0 for a call of the domain itself, which gave or raised ``code``."""

    status: int
    body: Any
    code: str = ""

    @property
    def is_yes(self) -> bool:
        return 200 <= self.status < 300


Say = Callable[[], Told]


@dataclass
class Person:
    """Somebody signed in, and the port of the web."""

    staff: Staff
    port: int

    def __post_init__(self) -> None:
        client = Client()
        client.force_login(self.staff, backend="django.contrib.auth.backends.ModelBackend")
        token = "t" * 32
        self._headers = {
            "Cookie": f"sessionid={client.cookies['sessionid'].value}; csrftoken={token}",
            "X-CSRFToken": token,
        }

    def post(self, path: str, body: Any = None) -> Told:
        return call(self.port, path, body, self._headers)


def call(port: int, path: str, body: Any, headers: dict[str, str]) -> Told:
    """One POST of JSON to REST."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        given = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex, **headers}
        line.request("POST", f"/api/v1/{path}", json.dumps(body or {}), given)
        answer = line.getresponse()
        said = json.loads(answer.read() or b"null")
        return Told(answer.status, said, (said or {}).get("code", "") if answer.status >= 400 else "")
    finally:
        line.close()


def at_once(*says: Say, dice: random.Random) -> list[Told]:
    """All at the same moment, give or take some milliseconds; what each was told."""
    told: list[Told | None] = [None] * len(says)
    start = threading.Barrier(len(says))
    pauses = [dice.choice((0.0, 0.0, dice.random() / 50)) for _ in says]

    def run(place: int) -> None:
        try:
            start.wait()
            time.sleep(pauses[place])
            told[place] = says[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(says))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert None not in told, told
    return [one for one in told if one is not None]


def act(do: Callable[..., object], **said: Any) -> Say:
    """A call of the domain, as a command of ours makes it."""

    def say() -> Told:
        try:
            return Told(200, do(**said, at=timezone.now()))
        except DomainError as error:
            return Told(error.status, None, error.code)

    return say


@dataclass
class Scene:
    """A house that works, with two who decide and an owner who sees to it all."""

    home: House
    merchant: Merchant
    wechat: Channel
    dice: random.Random

    def __post_init__(self) -> None:
        self.owner = make_staff(self.merchant, "owner")
        self.one, self.other = (self.person("manager") for _ in range(2))
        self.api = api_for(self.merchant)
        self.key = ApiKey.objects.get(merchant=self.merchant)

    def person(self, role: str) -> Person:
        return Person(make_staff(self.merchant, role), self.home.web_port)

    def by_key(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Told:
        return call(self.home.web_port, path, body, {"Authorization": f"Bearer {key or self.api.key}", **headers})

    def asked(self, amount_fen: int = IN_REVIEW_FEN, *, paid_fen: int = 50_000) -> RefundRequest:
        """A refund that waits for a person."""
        (sale,) = paid_sales(self.merchant, self.wechat, 1, amount_fen=paid_fen)
        return make_request(sale, amount_fen, by=self.api.by)

    def approve(self, request: RefundRequest, by: Person) -> Say:
        return lambda: by.post(f"refund-requests/{request.pk}/approve", {"version": request.version})

    def reject(self, request: RefundRequest, by: Person) -> Say:
        body = {"version": request.version, "reason_code": "not_covered", "message": "No."}
        return lambda: by.post(f"refund-requests/{request.pk}/reject", body)

    def cancel(self, request: RefundRequest) -> Say:
        return lambda: self.by_key(f"refund-requests/{request.pk}/cancel", {})

    def correct(self, request: RefundRequest, body: dict[str, Any]) -> Say:
        path = f"transactions/{request.transaction_id}/corrections"
        return lambda: self.by_key(path, {**body, "reason": "typed wrong"})

    def rests(self) -> None:
        """Until nothing is on its way any more."""

        def look() -> bool:
            # The minute until the channel is asked again about what it is working on.
            Execution.objects.filter(state="processing").update(due_at=timezone.now())
            return not RefundRequest.objects.exclude(state__in=_OVER).exists()

        wait_until(
            look,
            seconds=PATIENCE_S,
            what="every refund has come to rest",
            every_s=0.2,
        )

    def paid_fen(self, sale: Transaction) -> int:
        """What the channel has paid back of a sale."""
        return sum(row["amount_fen"] for row in self.wechat.ledger() if row["order_no"] == sale.order_no)


def now_of(request: RefundRequest) -> RefundRequest:
    """As it is by now."""
    return RefundRequest.objects.select_related("transaction").get(pk=request.pk)


def check_words(told: Sequence[Told]) -> None:
    """Nobody was told that we broke, and nobody was refused without a reason that has a name."""
    for one in told:
        assert one.status < 500, one
        assert one.is_yes or one.code, one


@pytest.fixture(params=[pytest.param(3, id="three"), pytest.param(50, id="fifty", marks=pytest.mark.long)])
def rounds(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def scene(houses: Callable[..., House], merchant: Merchant, wechat: Channel) -> Scene:
    home = houses(UNDO_S="0")
    home.web()
    home.worker()
    home.beat()
    return Scene(home, merchant, wechat, random.Random(1))


def test_approved_rejected_and_withdrawn_at_once_is_one_of_them(scene: Scene, rounds: int) -> None:
    made = []
    for _ in range(rounds):
        request = scene.asked()
        says = [
            scene.approve(request, scene.one),
            scene.approve(request, scene.other),
            scene.reject(request, scene.other),
            scene.cancel(request),
        ]
        told = at_once(*says, dice=scene.dice)
        check_words(told)
        made.append((request, told))
    scene.rests()
    for asked, told in made:
        request = now_of(asked)
        approved, again, rejected, cancelled = told
        # Who approves what a colleague has just approved is refused; a withdrawal may still come before the sending.
        assert approved.is_yes + again.is_yes + rejected.is_yes <= 1, told
        if cancelled.is_yes:
            assert request.state == "cancelled", (told, request.state)
        elif rejected.is_yes:
            assert request.state == "rejected", (told, request.state)
        else:
            assert request.state == "refunded", (told, request.state)
        assert scene.paid_fen(request.transaction) == (IN_REVIEW_FEN if request.state == "refunded" else 0)


def test_sale_corrected_while_a_refund_of_it_is_decided(scene: Scene, rounds: int) -> None:
    made = []
    for _ in range(rounds):
        request = scene.asked()
        # The first is less than what is asked for, the second just as much; the last makes who approves its cashier.
        bodies: list[dict[str, Any]] = [
            {"amount_fen": IN_REVIEW_FEN - 1},
            {"amount_fen": IN_REVIEW_FEN},
            {"cashier": scene.one.staff.username},
        ]
        body = scene.dice.choice(bodies)
        told = at_once(scene.approve(request, scene.one), scene.correct(request, body), dice=scene.dice)
        check_words(told)
        made.append((request, told, body))
    for request, told, _body in made:
        if not told[0].is_yes:
            check_words([scene.reject(now_of(request), scene.other)()])
    scene.rests()
    for asked, (approved, corrected), body in made:
        request = now_of(asked)
        if body.get("amount_fen") == IN_REVIEW_FEN - 1:
            assert not corrected.is_yes, corrected
        assert scene.paid_fen(request.transaction) == (IN_REVIEW_FEN if approved.is_yes else 0)


def test_policy_account_and_deputy_taken_away_while_they_decide(scene: Scene, rounds: int) -> None:
    """Whoever's right ends either has decided before, or is refused; never is a decision kept of somebody who had none."""
    owner = of_staff(scene.owner)
    for number in range(rounds):
        request = scene.asked()
        who = scene.person("manager" if number % 3 != 1 else "reviewer")
        match number % 3:
            case 0:
                ends = act(team.switch, staff_id=who.staff.pk, on=False, by=owner)
            case 1:
                # A reviewer who decides only for a manager who is away.
                amount = 150_000
                request = scene.asked(amount, paid_fen=200_000)
                row = delegations.give(
                    absent=scene.one.staff.pk,
                    deputy=who.staff.pk,
                    starts_at=timezone.now() - timedelta(minutes=1),
                    ends_at=timezone.now() + timedelta(days=1),
                    limit_fen=None,
                    by=owner,
                    at=timezone.now(),
                )
                ends = act(delegations.revoke, delegation_id=row.pk, by=owner)
            case _:
                rules = {**RULES, "tiers": [{"name": "head_office", "limit_fen": None, "roles": ["owner"]}]}
                ends = act(policies.publish, merchant=scene.merchant, name="strict", rules=rules, by=owner)
        told = at_once(scene.approve(request, who), ends, dice=scene.dice)
        check_words(told)
        assert told[1].is_yes, told
        late = who.post(f"refund-requests/{request.pk}/approve", {"version": request.version})
        assert not late.is_yes, late
        if number % 3 == 2:
            policies.publish(merchant=scene.merchant, name="usual", rules=RULES, by=owner, at=timezone.now())
        if not told[0].is_yes:
            assert now_of(request).state == "in_review"
            check_words([scene.reject(request, scene.other)()])
    scene.rests()


def test_channel_account_replaced_between_approval_and_sending(scene: Scene, rounds: int) -> None:
    """What was paid into an account goes back through it, whenever another takes its place."""
    owner, credentials = of_staff(scene.owner), wechat_credentials(scene.wechat.account)
    made = []
    for _ in range(rounds):
        request = scene.asked()
        replace = act(
            accounts.open_account, channel="wechat", store_id=None, given=credentials, replaces=True, by=owner
        )
        told = at_once(scene.approve(request, scene.one), replace, dice=scene.dice)
        check_words(told)
        assert told[0].is_yes, told
        assert told[1].is_yes, told
        made.append(request)
    assert ChannelAccount.objects.filter(merchant=scene.merchant, is_active=True).count() == 1
    scene.rests()
    for request in made:
        payout = Execution.objects.get(request=request)
        assert payout.channel_account_id == request.transaction.channel_account_id
        assert scene.paid_fen(request.transaction) == IN_REVIEW_FEN


def test_key_revoked_stopped_and_rotated_while_it_asks(scene: Scene, rounds: int) -> None:
    """A key that ends asks for nothing afterwards, beyond the second in which every process hears of it."""
    owner = of_staff(scene.owner)
    for number in range(rounds):
        (sale,) = paid_sales(scene.merchant, scene.wechat, 1, amount_fen=50_000)
        mine = api_for(scene.merchant)
        key = ApiKey.objects.order_by("-pk")[0]
        body = {"transaction": str(sale.pk), "amount_fen": 1_200, "reason": "quality"}

        def ask(mine: Any = mine, body: Any = body, again: str = "") -> Told:
            return scene.by_key(
                "refund-requests", body, key=mine.key, **{"Idempotency-Key": again or f"race-{body['transaction']}"}
            )

        store = scene.merchant.stores.get()
        match number % 3:
            case 0:
                ends = act(api_keys.revoke, key=key, by=owner, typed_name=key.name)
            case 1:
                ends = act(api_keys.stop, which=key, by=owner)
            case _:
                ends = act(api_keys.stop, which=store, by=owner)
        told = at_once(ask, ask, ends, ask, dice=scene.dice)
        check_words(told)
        assert told[2].is_yes, told
        yes = [one for one in (*told[:2], told[3]) if one.is_yes]
        assert len({one.body["id"] for one in yes}) <= 1, yes
        assert RefundRequest.objects.filter(transaction=sale).count() == bool(yes)
        time.sleep(1.1)
        late = ask(again=uuid4().hex)
        assert late.status in (401, 403), late
        if number % 3 == 2:
            api_keys.stop(which=store, by=owner, at=timezone.now(), stopped=False)
    scene.rests()


def test_one_sale_asked_back_from_six_sides_is_paid_back_once(scene: Scene, rounds: int) -> None:
    """Each asks for more than half: one of them gets it, whatever is withdrawn meanwhile."""
    sales = []
    for _ in range(rounds):
        (sale,) = paid_sales(scene.merchant, scene.wechat, 1, amount_fen=10_000)
        body = {"transaction": str(sale.pk), "amount_fen": 6_000, "reason": "quality"}
        ask = lambda body=body: scene.by_key("refund-requests", {**body, "is_another": True})  # noqa: E731 -- one of six
        told = at_once(*[ask] * 6, dice=scene.dice)
        check_words(told)
        yes = [one for one in told if one.is_yes]
        assert len(yes) <= 1, told
        at_once(
            *[lambda one=one: scene.by_key(f"refund-requests/{one.body['id']}/cancel") for one in yes] or [ask],
            ask,
            dice=scene.dice,
        )
        sales.append(sale)
    for request in RefundRequest.objects.filter(state="in_review"):
        check_words([scene.reject(request, scene.other)()])
    scene.rests()
    for sale in sales:
        sale.refresh_from_db()
        assert scene.paid_fen(sale) == sale.refunded_fen <= 10_000
