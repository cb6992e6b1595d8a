"""A merchant with a refund at every step of its life, and everybody who might try something with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from weakref import WeakSet

from django.db import connection
from django.utils import timezone

from core.personal_data import seal_bytes
from merchants import principals, team
from merchants.api_keys import issue
from merchants.models import AccessReset, ApiKey, KeyScope, Merchant, MessageCarrier, PolicyDraft, Role, Staff, Store
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import Kind, Principal, of_staff
from merchants.rights import TABLE, Act, Condition, Reach
from payment_channels.contract import Retry, Unknown
from reconciliation import days
from reconciliation.models import Difference
from reconciliation.models.bill import MatchOutcome
from refunds import payouts
from refunds.evidence import files
from refunds.follow_up import incidents, reports
from refunds.follow_up.incidents import Problem
from refunds.goods import offers, returns
from refunds.intake import batches, without_receipt
from refunds.intake.batches import Wish
from refunds.models import Evidence, Execution, ImportFile, Notification, RefundBatch, RefundRequest
from refunds.payouts import ending, shifts
from refunds.payouts.ending import Finding
from refunds.review import deciding
from refunds.rules.candidates import Told
from refunds.states import Route
from terminals.models import Transaction
from tests import pictures
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff, of_api_key
from tests.integrations.rig import make_endpoint
from tests.refunds import hand, plans
from tests.refunds.settled import failed, paid

HERE, ELSEWHERE, EVERYWHERE, NOWHERE, ABROAD = "here", "elsewhere", "everywhere", "nowhere", "abroad"
DAY = date(2026, 11, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody, and where they belong. ``secret`` is a key's."""

    by: Principal
    place: str
    staff: Staff | None = None
    secret: str = ""

    def __str__(self) -> str:
        who = (
            self.by.role
            or f"{self.by.kind}{'' if self.by.scopes or self.by.kind is not Kind.KEY else ' without scope'}"
        )
        return f"{who} {self.place}{'' if self.by.is_active else ' switched off'}"


class World:
    """``requests`` by the step they have come to, all of one store; everybody comes to them from outside."""

    def __init__(self) -> None:
        self.merchant = hand.make_shop()
        self.store: Store = self.merchant.stores.get()
        # Codes repeat from merchant to merchant; this one must not be mistaken for another's.
        Store.objects.filter(pk=self.store.pk).update(code="H001")
        self.store.refresh_from_db()
        self.other_store: Store = self.merchant.stores.create(code="S002", name="二号店")
        self.abroad = make_merchant()
        self.account = make_account(self.merchant)
        MessageCarrier.objects.create(merchant=self.merchant, kind="wechat")
        self.asker, self.colleague = make_staff(self.merchant, "cashier"), make_staff(self.merchant, "manager")
        self.decider = of_staff(make_staff(self.merchant, "owner"))
        self.store_key = self._key(self.merchant, store=self.store)[0]
        # What a person pays goes first: the worker hands it over, and would send everything else as well.
        self.requests = {
            "cash": hand.waiting(Route.CASH, sale=hand.sale_for(self.merchant, Route.CASH)),
            "transfer": hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(self.merchant, Route.BANK_TRANSFER)),
            "paid": paid(self._request(1_200)),
            "failed": failed(self._request(1_200), retry=Retry.SAME_NUMBER),
            "half_paid": self._half_paid(),
            "stuck": self._stuck(),
            "lost": self._lost(),
            "waiting": self._request(26_800),
            "asked_back": self._request(26_800),
            **{step: self._request(26_800) for step in ("goods_awaited", "goods_here", "offered")},
        }
        asked = self.requests["asked_back"]
        deciding.request_info(
            request_id=asked.pk, by=self.decider, at=timezone.now(), version=asked.version, message="photo?"
        )
        self.requests["rejected"] = deciding.reject(
            request_id=(rejected := self._request(26_800)).pk,
            by=self.decider,
            at=timezone.now(),
            version=rejected.version,
            reason="no_proof",
            message="?",
        )
        self._goods()
        RefundRequest.objects.update(staff_id=self.asker.pk)
        self.ahead = Evidence.objects.create(
            merchant=self.merchant, kind="photo", path="x", sha256="x", size=1, added_by="x", added_at=timezone.now()
        )
        self.draft = self._draft()
        self.reset = self._reset()
        self.sale = make_sale(self.merchant, 50_000)
        told = Told(amount_fen=50_000, since=self.sale.paid_at, store=self.store.code)
        self.case = without_receipt.open_case(
            kind="lost_receipt", told=told, note="", by=self.decider, at=timezone.now()
        )
        self.report = reports.help_wanted(
            request_id=(its := self.requests["paid"]).pk,
            words="?",
            by=principals.of_customer(merchant_id=its.merchant_id, store_id=its.store_id, request_id=its.pk),
            at=timezone.now(),
        )
        problem = Problem(title="?", began_at=timezone.now(), store=self.store.code)
        self.incident = incidents.open_incident(problem=problem, by=self.decider, at=timezone.now())
        self.held_sale = make_sale(self.merchant, 50_000, held_at=timezone.now())
        self.dead_message = self._dead_message()
        self.batch = self._batch()
        self.endpoint = make_endpoint(self.merchant, store=self.store)
        self.free_till = self.store.terminals.create(code="POS-09")
        self.shift = shifts.begin(terminal="POS-01", store="H001", float_fen=0, by=self.decider, at=timezone.now())
        self.day = days.day_made(account=self.account, day=DAY)
        self.difference = Difference.objects.create(
            merchant=self.merchant,
            channel_account=self.account,
            day=self.day,
            number="R1",
            kind=MatchOutcome.OURS_ONLY,
            ours_fen=100,
            opened_at=timezone.now(),
        )

    def _goods(self) -> None:
        """Two were asked for their goods, which are there of one; a third is offered an exchange."""
        said: dict[str, Any] = {"by": self.decider, "at": timezone.now(), "version": 3}
        for step in ("goods_awaited", "goods_here"):
            returns.ask(request_id=self.requests[step].pk, **said)
        offers.offer(request_id=self.requests["offered"].pk, kind="exchange", message="?", **said)
        here = self.requests["goods_here"].pk
        returns.receive(request_id=here, by=of_staff(self.colleague), at=timezone.now())

    def _request(self, amount_fen: int) -> RefundRequest:
        return make_request(make_sale(self.merchant, 50_000), amount_fen, by=self.asker)

    def _half_paid(self) -> RefundRequest:
        """Of an order of two payments: the first leg is paid, the second was refused."""
        first, _ = plans.payments_of(self.merchant, self.account)
        request = plans.ask(first)
        request = deciding.approve(request_id=request.pk, by=self.decider, at=timezone.now(), version=request.version)
        return plans.answer(plans.answer(request, 1), 2, "refused")

    def _stuck(self) -> RefundRequest:
        """Accepted by the channel, which cannot deliver it."""
        request = self._request(1_200)
        payouts.claim(limit=10, at=timezone.now())
        Execution.objects.filter(request=request).update(state="processing", needs_attention=True)
        return request

    def _lost(self) -> RefundRequest:
        """Sent, and no answer came for longer than is usual."""
        request = self._request(1_200)
        (claimed,) = payouts.claim(limit=10, at=timezone.now())
        lost = Unknown(code="timeout", message="no answer")
        answer = payouts.Answer(claimed.execution_id, request.pk, claimed.account_id, lost, "answer", turn=claimed.turn)
        payouts.settle([answer], at=timezone.now() + timedelta(minutes=10))
        # One of two people has said what the portal shows; everybody else is the second.
        return ending.propose(
            request_id=request.pk,
            finding=Finding(paid=False),
            picture=files.read_picture(upload=pictures.upload()),
            by=self.decider,
            at=timezone.now(),
            version=RefundRequest.objects.get(pk=request.pk).version,
        )

    def _draft(self) -> PolicyDraft:
        """Written by one owner, who has handed it over to whoever may publish."""
        now = timezone.now()
        draft = drafting.start(by=self.decider, at=now)
        written = Written(name="next", rules={**draft.rules, "auto_approve_limit_fen": 1}, guides={})
        drafting.write(draft_id=draft.pk, revision=1, written=written, by=self.decider, at=now)
        return drafting.ask(draft_id=draft.pk, revision=2, by=self.decider, at=now, reason="?")

    def _batch(self) -> RefundBatch:
        """Filed in the store and checked: everybody else may let it run."""
        wish = Wish(label="x", amount_fen=1)
        batch = batches.file(name="recall", wishes=[wish], by=self.decider, at=timezone.now())
        RefundBatch.objects.filter(pk=batch.pk).update(store=self.store, state="ready")
        batch.rows.update(verdict="review")
        ImportFile.objects.create(batch=batch, content=seal_bytes(b"a,b\n1,2\n", purpose="import_file.content"))
        return batch

    def _reset(self) -> AccessReset:
        """One of two has asked; everybody else is the second."""
        staff = make_staff(self.merchant, "cashier")
        return team.ask_reset(staff_id=staff.pk, kind="password", by=self.decider, at=timezone.now())

    def _dead_message(self) -> Notification:
        request = self.requests["waiting"]
        return Notification.objects.create(
            merchant=self.merchant,
            request=request,
            event="in_review",
            version=request.version,
            medium="sms",
            locale="zh-Hans",
            recipient="13800006021",
            masked_recipient="138****6021",
            state="dead",
            created_at=timezone.now(),
        )

    def _key(self, merchant: Merchant, **where: Any) -> tuple[ApiKey, str]:
        maker = make_staff(merchant, Role.OWNER)
        row, secret, _ = issue(
            merchant=merchant, name="key", scopes=list(KeyScope.values), by=of_staff(maker), at=timezone.now(), **where
        )
        return row, secret

    def people(self) -> Iterator[Who]:
        """Every role, at home in this store, in another, and in all; who may most also in none, and at another merchant."""
        for role in Role.values:
            for place in (HERE, ELSEWHERE, EVERYWHERE, *((NOWHERE, ABROAD) if role == Role.OWNER else ())):
                staff = make_staff(self.abroad if place == ABROAD else self.merchant, role)
                if place in (HERE, ELSEWHERE, NOWHERE):
                    Staff.objects.filter(pk=staff.pk).update(all_stores=False)
                    staff.stores.set({HERE: [self.store], ELSEWHERE: [self.other_store]}.get(place, []))
                    staff.refresh_from_db()
                yield Who(by=of_staff(staff), place=place, staff=staff)

    def keys(self) -> Iterator[Who]:
        """Keys of this store, of another, of all, of another merchant, and one that may do nothing."""
        for place, merchant, where in (
            (HERE, self.merchant, {"store": self.store}),
            (ELSEWHERE, self.merchant, {"store": self.other_store}),
            (EVERYWHERE, self.merchant, {"all_stores": True}),
            (ABROAD, self.abroad, {"all_stores": True}),
        ):
            row, secret = self._key(merchant, **where)
            yield Who(by=of_api_key(row), place=place, secret=secret)

    def others(self) -> Iterator[Who]:
        """Who has no browser and no key of their own: seen by the domain alone."""
        for who in [*self.people()]:
            if who.place == EVERYWHERE:
                yield replace(who, by=replace(who.by, is_active=False))
        for who in self.keys():
            yield replace(who, by=replace(who.by, scopes=frozenset()))
        yield Who(by=principals.SYSTEM, place=EVERYWHERE)
        request = self.requests["waiting"]
        for place in (HERE, ABROAD):
            merchant = self.merchant if place == HERE else self.abroad
            by = principals.of_customer(merchant_id=merchant.pk, store_id=self.store.pk, request_id=request.pk)
            yield Who(by=by, place=place)

    def state(self) -> str:
        """All that an act could change, as one hash; a claim shows by its event. Who looks at a page does not count."""
        with connection.cursor() as cursor:
            # Asked thousands of times, and planned once a connection.
            if connection.connection not in _prepared:
                cursor.execute(f"PREPARE state_of_world AS {_STATE}")
                _prepared.add(connection.connection)
            cursor.execute("EXECUTE state_of_world")
            return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()


_prepared: WeakSet[Any] = WeakSet()
_STATE = """
SELECT (SELECT count(*) FROM core_auditevent), (SELECT count(*) FROM terminals_transaction),
       (SELECT array_agg((id, state, version, amount_fen, route, due_at) ORDER BY id)::text FROM refunds_refundrequest),
       (SELECT array_agg((id, state, due_at) ORDER BY id)::text FROM refunds_execution),
       (SELECT array_agg((id, revoked_at, stopped_at, mandate) ORDER BY id)::text FROM merchants_apikey),
       (SELECT array_agg((id, state) ORDER BY id)::text FROM refunds_refundbatch),
       (SELECT array_agg((id, answers) ORDER BY id)::text FROM refunds_incident),
       (SELECT array_agg((id, owner_id, closed_at) ORDER BY id)::text FROM refunds_customerreport),
       (SELECT count(*) FROM merchants_grace), (SELECT count(*) FROM refunds_agreement),
       (SELECT array_agg((id, state, sale_id) ORDER BY id)::text FROM refunds_noreceiptcase),
       (SELECT count(*) FROM merchants_invitation),
       (SELECT array_agg((id, confirmed_at) ORDER BY id)::text FROM merchants_accessreset),
       (SELECT array_agg((id, answer) ORDER BY id)::text FROM refunds_exchangeoffer),
       (SELECT array_agg((id, state, parcel_no) ORDER BY id)::text FROM refunds_goodsreturn),
       (SELECT array_agg((id, hours, opening_hours) ORDER BY id)::text FROM merchants_store),
       (SELECT count(*) FROM merchants_policyversion), (SELECT count(*) FROM merchants_policyreview),
       (SELECT array_agg((id, revision, state) ORDER BY id)::text FROM merchants_policydraft),
       (SELECT array_agg((id, url, enabled, previous_until) ORDER BY id)::text FROM integrations_webhookendpoint),
       (SELECT array_agg((id, state) ORDER BY id)::text FROM integrations_webhookdelivery),
       (SELECT count(*) FROM merchants_channelrulechange), (SELECT count(*) FROM merchants_delegation),
       (SELECT count(*) FROM refunds_evidence),
       (SELECT count(*) FROM refunds_survey), (SELECT array_agg((id, state) ORDER BY id)::text FROM refunds_notification),
       (SELECT array_agg((id, owner_id, resolution) ORDER BY id)::text FROM reconciliation_difference),
       (SELECT array_agg((id, state, bill_id) ORDER BY id)::text FROM reconciliation_reconciliationday)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an act is done to: ``step`` names the refund; without one the store's (``of_store``), or nobody's in particular."""

    step: str = ""
    of_store: bool = False


ABOUT: dict[Act, About] = {
    Act.REPORT_SALE: About(of_store=True),
    Act.CORRECT_SALE: About(of_store=True),
    Act.END_HOLD: About(of_store=True),
    Act.READ_SALES: About(of_store=True),
    Act.ASK_CHANNEL: About(of_store=True),
    Act.QUOTE: About(of_store=True),
    Act.SUBMIT: About(of_store=True),
    Act.FILE_BATCH: About(of_store=True),
    Act.CONFIRM_BATCH: About(of_store=True),
    Act.READ_REFUNDS: About(step="waiting"),
    Act.CANCEL: About(step="waiting"),
    Act.RESUBMIT: About(step="asked_back"),
    Act.RESUBMIT_FAILED: About(step="failed"),
    Act.ADD_EVIDENCE: About(step="waiting"),
    Act.CONSENT: About(step="waiting"),
    Act.ADD_NOTE: About(step="waiting"),
    Act.RATE: About(step="paid"),
    Act.SEE_QUEUE: About(),
    Act.CLAIM: About(step="waiting"),
    Act.RELEASE: About(step="waiting"),
    Act.REASSIGN: About(step="waiting"),
    Act.APPROVE: About(step="waiting"),
    Act.REJECT: About(step="waiting"),
    Act.REQUEST_INFO: About(step="waiting"),
    Act.EXTEND: About(step="waiting"),
    Act.AGREE: About(step="waiting"),
    Act.REOPEN: About(step="rejected"),
    Act.FIND_WITHOUT_RECEIPT: About(of_store=True),
    Act.SETTLE_WITHOUT_RECEIPT: About(of_store=True),
    Act.REPORT_INCIDENT: About(of_store=True),
    Act.HANDLE_INCIDENT: About(of_store=True),
    Act.TAKE_TRANSFERS: About(),
    Act.ANSWER_REPORT: About(of_store=True),
    Act.ASK_GOODS: About(step="waiting"),
    Act.SEND_GOODS: About(step="goods_awaited"),
    Act.RECEIVE_GOODS: About(step="goods_awaited"),
    Act.INSPECT_GOODS: About(step="goods_here"),
    Act.OFFER_EXCHANGE: About(step="waiting"),
    Act.ANSWER_OFFER: About(step="offered"),
    Act.PAY_CASH: About(step="cash"),
    Act.PAY_BY_HAND: About(step="transfer"),
    Act.RETRY: About(step="failed"),
    Act.REDIRECT: About(step="stuck"),
    Act.REDIRECT_TO_PERSON: About(step="stuck"),
    Act.END_UNKNOWN: About(step="lost"),
    Act.RESEND: About(of_store=True),
    Act.REVEAL: About(step="waiting"),
    Act.EXPORT: About(),
    Act.SEE_ANALYTICS: About(),
    Act.SEE_RECONCILIATION: About(),
    Act.TAKE_STATEMENT: About(of_store=True),
    Act.RESOLVE_DIFFERENCE: About(of_store=True),
    Act.ADOPT: About(of_store=True),
    Act.CLOSE_DAY: About(of_store=True),
    Act.SET_HOURS: About(of_store=True),
    Act.GIVE_GRACE: About(of_store=True),
    Act.SEE_POLICY: About(),
    Act.DRAFT_POLICY: About(of_store=True),
    Act.PUBLISH_POLICY: About(of_store=True),
    Act.DELEGATE: About(),
    Act.REVIEW_POLICY: About(),
    Act.ADD_CHANNEL_RULE: About(),
    Act.MANAGE_STORES: About(),
    Act.MANAGE_TILLS: About(of_store=True),
    Act.REPORT_TILL: About(of_store=True),
    Act.RUN_SHIFT: About(of_store=True),
    Act.SEE_AUDIT: About(),
    Act.ERASE: About(),
    Act.ERASE_OWN: About(step="rejected"),
    Act.SET_WORDING: About(),
    Act.MANAGE_KEYS: About(of_store=True),
    Act.MANAGE_WEBHOOKS: About(of_store=True),
    Act.CHANGE_CREDENTIALS: About(of_store=True),
    Act.MANAGE_TEAM: About(of_store=True),
    Act.RESET_ACCESS: About(of_store=True),
}


def expected(act: Act, who: Who, *, own: bool) -> bool:
    """What the table promises. ``own``: asked for by this principal; for what lies on a desk: on theirs."""
    right, about = TABLE[act], ABOUT[act]
    if who.by.kind is Kind.STAFF:
        reach = right.of_role(who.by.role) if who.by.is_active else Reach.NO
    elif who.by.kind is Kind.KEY:
        reach = right.key if right.scope in who.by.scopes else Reach.NO
    else:
        reach = {Kind.CUSTOMER: right.customer, Kind.SYSTEM: right.system}.get(who.by.kind, Reach.NO)
    if reach is Reach.NO or (reach in (Reach.OWN, Reach.HELD) and not own):
        return False
    everywhere = who.place == EVERYWHERE or (who.place == ABROAD and not (about.step or about.of_store))
    if Condition.WHOLE in right.conditions and not everywhere:
        return False
    if (about.step or about.of_store) and who.place not in (HERE, EVERYWHERE):
        return False
    return not (own and Condition.DISTANCE in right.conditions)


def matters(act: Act, who: Who) -> bool:
    """Whether a face has to be tried by them, too; the domain is tried by everybody.

    Who works in all stores differs only where the whole merchant is meant. Of those who work in another store the owner, whose
    role may do everything, stands for all: a face hands the person on, whatever their role.
    """
    if who.place == ELSEWHERE and who.by.kind is Kind.STAFF:
        return who.by.role == Role.OWNER
    whole = Condition.WHOLE in TABLE[act].conditions or not (ABOUT[act].step or ABOUT[act].of_store)
    return who.place != EVERYWHERE or whole


def ownerships(act: Act, who: Who) -> tuple[bool, ...]:
    """Another's, and one's own where that can make a difference. A customer's link opens their own."""
    if who.by.kind is Kind.CUSTOMER:
        return (True,)
    right = TABLE[act]
    reaches = {right.key, *map(right.of_role, Role.values)}
    differs = bool(reaches & {Reach.OWN, Reach.HELD}) or Condition.DISTANCE in right.conditions
    return (False, True) if differs and who.by.kind in (Kind.STAFF, Kind.KEY) else (False,)


def belongs_to(world: World, act: Act, who: Who, *, own: bool) -> None:
    """Make the act's refund this principal's, or somebody else's; inside a savepoint."""
    step = ABOUT[act].step
    if act is Act.FILE_BATCH and own and who.by.kind is Kind.KEY:
        RefundBatch.objects.filter(pk=world.batch.pk).update(api_key_id=who.by.key_id)
    if not step:
        return
    request = RefundRequest.objects.filter(pk=world.requests[step].pk)
    if TABLE[act].reviewer is Reach.HELD or TABLE[act].cashier is Reach.HELD:
        holder = who.by.staff_id if own and who.by.staff_id else world.colleague.pk
        request.update(claimed_by_id=holder, claimed_at=timezone.now())
    elif own and who.by.kind in (Kind.STAFF, Kind.KEY):
        request.update(staff_id=who.by.staff_id, api_key_id=who.by.key_id)


def sale_number(world: World) -> str:
    return f"new-{Transaction.objects.count()}-{world.merchant.pk}"
