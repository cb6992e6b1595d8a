"""An order of several payments, or a refund in parts, while one of its legs is in trouble: pairwise over what may go wrong.

The real loop talks to the stand-ins; workers are killed where a failpoint says; notices come when the case says, or never; people
retry, move, or give up what failed. Whatever happens: no payment gives more than it took, our books say what the channels' say,
the request's state follows from its legs, and what is not paid has a name.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from invariants import against_channels
from merchants.models import Merchant, Role
from merchants.principals import Principal, of_staff
from refunds import payouts
from refunds.evidence import files
from refunds.facts import plans
from refunds.facts.plans import GIVEN_UP, PLANNED, LegStatus
from refunds.intake import rerouting
from refunds.models import Execution, RefundRequest
from refunds.payouts import by_hand, ending, loop, notices, ways_back
from refunds.payouts.adapters import adapter_for
from refunds.payouts.by_hand import Payment
from refunds.payouts.ending import Finding
from refunds.states import State
from refunds.telling import legs as telling
from terminals.models import Transaction
from tests import pictures
from tests.factories import make_merchant, make_sale, make_staff
from tests.faults.house import Channel
from tests.faults.one_sweep import Sweeper
from tests.faults.work import open_accounts, tell_channel
from tests.refunds.plans import WIDE, ask

CHANNELS = ("wechat", "alipay", "unionpay")
AMOUNTS = {"wechat": 20_000, "alipay": 10_000, "unionpay": 5_000}
#: A refund of one payment in three parts.
PART_FEN, PARTS = 4_000, 3
LEASE_S = 1
#: How long a case may take until all of it rests.
REST_S = 45.0

#: Fault -> (operation, its name at each stand-in or everywhere, how often).
FAULTS: Mapping[str, tuple[str, str | Mapping[str, str], int]] = {
    "none": ("", "", 0),
    "drop_before_accept": ("refund", "drop_before_accept", 1),
    "system_error": ("refund", "error_before_commit", 1),
    "rate_limited": ("refund", "rate_limited", 1),
    "not_enough": ("refund", "not_enough", 1),
    "timeout_after_accept": ("refund", "timeout_after_accept", 1),
    "reset_in_body": ("refund", "reset_in_body", 1),
    "garbage": ("refund", "garbage", 1),
    "bad_signature": ("refund", "bad_signature", 1),
    "slow": ("refund", "slow", 1),
    "forever": ("refund", "forever", 1),
    "closed": ("refund", "closed", 1),
    "refused": ("refund", {"wechat": "account_abnormal", "alipay": "acq_buyer_error", "unionpay": "risk"}, 1),
    "html_for_long": ("refund", "html_403", 40),
    "stale_query": ("query", "stale_processing", 2),
    "query_lag": ("query", "query_lag", 2),
}
FAILPOINTS = (
    "none",
    "execution.after_claim",
    "execution.before_call",
    "execution.after_call",
    "execution.before_commit",
    "execution.after_commit",
    "notices.before_commit",
    "notices.after_commit",
)
LEGS = (*CHANNELS, "first part", "second part", "last part")
NOTICES = ("on time", "twice", "late", "never")
PEOPLE = ("nobody", "retry", "move", "give up")


@dataclass(frozen=True)
class Case:
    """One value of each: which leg, what its channel does, where the worker dies, when notices come, what people do."""

    leg: str
    fault: str
    failpoint: str
    notice: str
    person: str

    def __str__(self) -> str:
        return "/".join(part.replace(" ", "_") for part in astuple(self))


def pairwise(dice: Random) -> list[Case]:
    """Cases in which every two values of two dimensions meet at least once; which ones is the dice's."""
    dimensions: Sequence[Sequence[str]] = (LEGS, tuple(FAULTS), FAILPOINTS, NOTICES, PEOPLE)
    places = list(itertools.combinations(range(len(dimensions)), 2))
    missing = {(i, a, j, b) for i, j in places for a in dimensions[i] for b in dimensions[j]}
    cases = []
    while missing:
        i, a, j, b = dice.choice(sorted(missing))
        best: tuple[int, list[str]] = (-1, [])
        for _ in range(30):
            row = [dice.choice(values) for values in dimensions]
            row[i], row[j] = a, b
            covered = sum((k, row[k], m, row[m]) in missing for k, m in places)
            best = max(best, (covered, row))
        row = best[1]
        missing -= {(k, row[k], m, row[m]) for k, m in places}
        cases.append(Case(*row))
    return cases


@dataclass
class Post:
    """Where the stand-ins' notices arrive; they reach the product when the case says."""

    came: deque[tuple[str, dict[str, str], bytes]] = field(default_factory=deque)
    kept: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def deliver(self, how: str) -> None:
        while self.came:
            notice = self.came.popleft()
            if how == "late":
                self.kept.append(notice)
            for _ in range({"on time": 1, "twice": 2}.get(how, 0)):
                _hand_in(notice)

    def deliver_late(self) -> None:
        self.came.extend(self.kept)
        self.kept.clear()
        self.deliver("twice")
        notices.apply_waiting(at=timezone.now())


def _hand_in(notice: tuple[str, dict[str, str], bytes]) -> None:
    path, headers, body = notice
    own = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "host")}
    kind = next((value for name, value in own.items() if name.lower() == "content-type"), "application/json")
    Client().generic("POST", path, body, content_type=kind, headers=own)


@contextmanager
def post_office() -> Iterator[tuple[Post, str]]:
    """The post, and the address that stand-ins are told."""
    post = Post()

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            post.came.append((self.path, dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"success")

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield post, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Play:
    """One case from the request to the end. ``channels`` are the stand-ins, emptied."""

    def __init__(self, case: Case, channels: Mapping[str, Channel], post: Post, sweeper: Sweeper) -> None:
        self.case, self.channels, self.post, self.sweeper = case, channels, post, sweeper
        self.in_parts = case.leg.endswith("part")
        self.merchant = self._merchant()
        self.people = {role: of_staff(make_staff(self.merchant, role)) for role in (Role.FINANCE, Role.OWNER)}
        self.sales = self._sales()
        self.request = ask(self.sales[0], sum(sale.amount_fen for sale in self.sales), is_another=True)
        self.asked_fen = self.request.amount_fen

    # --- the scene ----------------------------------------------------------------------------------------------------

    def _merchant(self) -> Merchant:
        rules = {**WIDE, "plan_rule": "highest_first"}
        if self.in_parts:
            rules["tranche_fen"] = PART_FEN
        return make_merchant(rules=rules)

    def _sales(self) -> list[Transaction]:
        folder = next(iter(self.channels.values())).folder
        accounts = open_accounts(self.merchant, folder, first_query_s=0.05, query_lag_s=0)
        amounts = {"wechat": PART_FEN * PARTS} if self.in_parts else AMOUNTS
        first, sales = None, []
        for name, amount_fen in amounts.items():
            more: dict[str, Any] = {} if first is None else {"order_no": first.order_no, "paid_at": first.paid_at}
            sale = make_sale(self.merchant, amount_fen, channel_account=accounts[name], **more)
            first = first or sale
            sales.append(sale)
            tell_channel(self.channels[name], [sale])
        for sale in sales:
            sale.lines.update(amount_fen=sum(amounts.values()), unit_price_fen=sum(amounts.values()))
        return sales

    @property
    def sequence(self) -> int:
        """The leg in trouble."""
        return (LEGS.index(self.case.leg) % 3) + 1

    @property
    def channel(self) -> str:
        return "wechat" if self.in_parts else self.case.leg

    def standing(self) -> list[LegStatus]:
        self.request = RefundRequest.objects.get(pk=self.request.pk)
        return plans.standing_of(self.request)

    def leg(self) -> LegStatus:
        return self.standing()[self.sequence - 1]

    # --- what happens -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self._until(lambda: self.leg().attempts, "the leg's turn comes", step=self._one)
        assert self.leg().attempts[-1].state == "ready", self._story()
        self._order_fault()
        if self.case.failpoint.startswith("execution"):
            self._killed_at(self.case.failpoint)
        self._step()
        if self.case.failpoint.startswith("notices"):
            self._killed_at(self.case.failpoint)
        self._until(self._rests, "everything rests")
        for channel in self.channels.values():
            channel.control("DELETE", "/faults")
        self._people()
        self._until(self._rests, "everything rests after people have acted")
        self.judge()
        before = (self.request.state, self.request.version)
        self.post.deliver("late")
        self.post.deliver_late()
        self.judge()
        assert (self.request.state, self.request.version) == before, "a late notice moved what had ended"

    def _order_fault(self) -> None:
        operation, name, times = FAULTS[self.case.fault]
        if times:
            fault = name if isinstance(name, str) else name[self.channel]
            order = {"operation": operation, "fault": fault, "times": times, "order_no": self.sales[0].order_no}
            self.channels[self.channel].control("POST", "/faults", {**order, "delay_s": 0.3})

    def _killed_at(self, failpoint: str) -> None:
        """A worker that takes this leg alone dies there; the others are not due yet."""
        others = Execution.objects.filter(request=self.request, due_at__isnull=False).exclude(sequence=self.sequence)
        kept = list(others.values_list("pk", "due_at"))
        others.update(due_at=timezone.now() + timedelta(hours=1))
        ended = self.sweeper.sweep(
            failpoint=failpoint, base_url=settings.BASE_URL, audit_heads_dir=settings.AUDIT_HEADS_DIR
        )
        assert ended in (0, -signal.SIGKILL), f"the worker ended with {ended}"
        assert ended or failpoint.startswith("notices"), "the worker did not come to its failpoint"
        for pk, due_at in kept:
            Execution.objects.filter(pk=pk, due_at__isnull=False).update(due_at=due_at)

    def _step(self) -> None:
        self.post.deliver(self.case.notice)
        notices.apply_waiting(at=timezone.now())
        loop.drain()
        if self.case.fault == "forever":
            self.channels[self.channel].control("POST", "/settle", {})
        # The minutes until a channel is asked again are over; what is in a dead worker's hands stays there until its lease is.
        now = timezone.now()
        waiting = Execution.objects.filter(request=self.request, state__in=("processing", "unknown", "held"))
        waiting.exclude(failure_code="by_hand").filter(last_asked_at__lt=now - timedelta(seconds=LEASE_S)).update(
            due_at=now
        )

    def _one(self) -> None:
        """One payout alone: the loop would take the next part with it."""
        Execution.objects.filter(request=self.request, state="processing").update(due_at=timezone.now())
        for claimed in payouts.claim(limit=1, at=timezone.now()):
            payouts.settle(
                [payouts.ask(claimed, adapter_for(claimed.account_id, claimed.account_revision))], at=timezone.now()
            )

    def _until(self, condition: Callable[[], object], what: str, *, step: Callable[[], None] | None = None) -> None:
        until = time.monotonic() + REST_S
        while not condition():
            assert time.monotonic() < until, f"not within {REST_S} s: {what}: {self._story()}"
            (step or self._step)()
            time.sleep(0.1)

    def _rests(self) -> bool:
        """Nothing is under way that goes on by itself."""
        legs = self.standing()
        if any(plans.may_start(legs)) and self.request.state not in (State.FAILED,):
            return False
        return all(not one.is_open or self._waits_for_a_person(one) for one in legs)

    @staticmethod
    def _waits_for_a_person(one: LegStatus) -> bool:
        payout = one.attempts[-1]
        return payout.needs_attention or payout.failure_code == "by_hand"

    # --- people -------------------------------------------------------------------------------------------------------

    def _people(self) -> None:
        self._end_what_is_unknown()
        self._until(self._rests, "everything rests")
        for _ in range(2 * PARTS):
            failed = [one for one in self.standing() if one.has_failed]
            if not failed or not self._act(failed[0]):
                return
            self._until(self._rests, "everything rests")
            self._pay_by_hand()

    def _end_what_is_unknown(self) -> None:
        """Two people look into the portal, and say what is there."""
        for one in self.standing():
            payout = one.attempts[-1] if one.attempts else None
            if payout is None or payout.state != "unknown" or not payout.needs_attention:
                continue
            paid = self._paid_at_channel(payout)
            finding = Finding(
                paid=paid, channel_refund_no=f"P{payout.refund_no}" if paid else "", paid_at=timezone.now()
            )
            picture = files.read_picture(upload=pictures.upload())
            said = ending.propose(
                request_id=self.request.pk,
                finding=finding if paid else Finding(paid=False),
                picture=picture,
                by=self.people[Role.FINANCE],
                at=timezone.now(),
                version=RefundRequest.objects.get(pk=self.request.pk).version,
            )
            ending.confirm(request_id=said.pk, by=self.people[Role.OWNER], at=timezone.now(), version=said.version)

    def _act(self, failed: LegStatus) -> bool:
        """What the case's person does about it; whether there was anything to do."""
        at, by = timezone.now(), self._by
        named: dict[str, Any] = {"request_id": self.request.pk, "sequence": failed.leg.sequence}
        match self.case.person:
            case "retry" if ways_back.can_go_out_again(failed.attempts[-1]):
                ways_back.retry(**named, by=by, at=at, version=self.request.version)
            case "move" if self.request.state == State.PARTIALLY_REFUNDED:
                rerouting.move_leg(
                    **named, route="store_credit", customer_consent=True, by=by, at=at, version=self.request.version
                )
            case "give up" if self.request.state == State.PARTIALLY_REFUNDED:
                ways_back.give_up_leg(**named, note="", by=by, at=at, version=self.request.version)
            case _:
                return False
        return True

    @property
    def _by(self) -> Principal:
        return self.people[Role.FINANCE]

    def _pay_by_hand(self) -> None:
        self.standing()
        if by_hand.waiting(self.request) is None:
            return
        paid = Payment(reference_no=f"V{self.request.number}", paid_at=timezone.now())
        by_hand.confirm(
            request_id=self.request.pk,
            payment=paid,
            by=self.people[Role.OWNER],
            at=timezone.now(),
            version=self.request.version,
        )

    # --- the judge ----------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        legs = self.standing()
        request, story = self.request, self._story()
        paid_fen = sum(one.leg.amount_fen for one in legs if one.is_paid)
        rest = [one for one in legs if not one.is_paid]
        for sale in self.sales:
            moved = self._moved(sale)
            assert sum(moved.values()) <= sale.amount_fen, f"more than was paid left: {story}"
            ours = sum(one.leg.amount_fen for one in legs if one.leg.transaction_id == sale.pk and one.is_paid)
            assert ours <= sale.amount_fen, story
        for channel in self.channels.values():
            rows = [row for row in channel.ledger() if row["order_no"] == self.sales[0].order_no]
            others = {one.refund_no for one in Execution.objects.exclude(channel_account__channel=channel.name)}
            found = [
                breach
                for breach in against_channels.paid_per_ledger(rows)
                if not any(number in breach.what for number in others) or "twice" in breach.what
            ]
            assert not found, f"{found} {story}"
        assert sum(one.leg.amount_fen for one in legs) == self.asked_fen, story
        assert {one.state for one in rest} <= {"failed", "cancelled", GIVEN_UP, PLANNED}, story
        assert request.refunded_fen == paid_fen, story
        open_fen = sum(one.leg.amount_fen for one in rest if one.state != GIVEN_UP)
        if not paid_fen:
            assert (request.state, request.reserved_fen) == (State.FAILED, 0), story
        elif open_fen:
            assert (request.state, request.reserved_fen - paid_fen) == (State.PARTIALLY_REFUNDED, open_fen), story
            named = [one for one in telling.shown(request) if one.state_label not in ("Paid", "已退", "")]
            assert sum(one.amount_fen for one in named if not one.leg.is_paid) == open_fen, story
        else:
            assert (request.state, request.reserved_fen) == (State.REFUNDED, paid_fen), story
        if self.case.person == "nobody" and FAULTS[self.case.fault][2] and self.case.fault in _PASSING:
            assert not rest, f"what passes by itself was not paid: {story}"

    def _moved(self, sale: Transaction) -> dict[str, int]:
        rows = self.channels[sale.channel].ledger()
        return {row["refund_no"]: row["amount_fen"] for row in rows if row["order_no"] == sale.order_no}

    def _paid_at_channel(self, payout: Execution) -> bool:
        return payout.refund_no in self._moved(payout.transaction)

    def _story(self) -> str:
        rows = Execution.objects.filter(request_id=self.request.pk).order_by("created_at", "pk")
        payouts = [
            f"{row.refund_no} {row.state} {row.failure_code} sends={row.sends} queries={row.queries}" for row in rows
        ]
        request = RefundRequest.objects.get(pk=self.request.pk)
        return f"[{self.case}] {request.state} {request.refunded_fen}/{request.reserved_fen}: {payouts}"


#: Faults after which the channel takes the same number by itself.
_PASSING = frozenset(FAULTS) - {"none", "closed", "refused", "html_for_long"}
