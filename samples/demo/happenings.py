"""What else happens in a shop: incidents, tasks, a batch, shifts, goods on their way. Each by the act of who does it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from core.calendar import SHANGHAI
from merchants import principals
from merchants.models import Role
from merchants.principals import Principal
from refunds.follow_up import incidents, reports
from refunds.follow_up.incidents import Problem, Ticket
from refunds.goods import returns
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.intake.claims import Draft
from refunds.models import RefundRequest
from refunds.models.agreement import Means
from refunds.models.customer_report import ReportKind
from refunds.models.incident import IncidentCause
from refunds.payouts import shifts
from refunds.review import agreeing
from refunds.review.agreeing import Consent
from refunds.states import PAID, Reason, State
from samples.demo.merchants import House
from terminals.models import Terminal, Transaction

_HOUR = timedelta(hours=1)


def leave(house: House, *, now: datetime) -> None:
    """Something on every page that a shop has, within the caller's transaction."""
    people = {role: next(one for one in house.staff.values() if one.role == role) for role in Role.values}
    manager, finance, cashier = (
        principals.of_staff(people[role]) for role in (Role.MANAGER, Role.FINANCE, Role.CASHIER)
    )
    _incidents(house, manager, now)
    _tasks(house, manager, now)
    _batch(house, finance, now)
    _shifts(house, cashier, now)
    _goods_and_agreement(house, manager, now)


def _incidents(house: House, by: Principal, now: datetime) -> None:
    store = min(house.stores)
    open_one = incidents.open_incident(
        problem=Problem(
            title="微信退款通知延迟，顾客反映未到账",
            began_at=now - 3 * _HOUR,
            store=store,
            channel="wechat",
            error_code="SYSTEM_ERROR",
        ),
        by=by,
        at=now - 2 * _HOUR,
    )
    ticket = Ticket(provider="微信支付服务商", ticket_no="WX-20931", promised_at=now + 5 * _HOUR, cost_fen=0)
    incidents.ask_provider(incident_id=open_one.pk, ticket=ticket, by=by, at=now - 1.5 * _HOUR)
    incidents.note_answer(incident_id=open_one.pk, words="已定位，正在补发通知。", by=by, at=now - _HOUR)
    began = now - timedelta(days=4)
    problem = Problem(title="收银机打印机缺纸，未打印小票", began_at=began, store=store)
    over = incidents.open_incident(problem=problem, by=by, at=began + _HOUR)
    incidents.close(
        incident_id=over.pk,
        cause=IncidentCause.TILL,
        ended_at=began + 2 * _HOUR,
        prevention="每日开店前检查纸卷，备用纸卷放在收银台下。",
        by=by,
        at=began + 3 * _HOUR,
    )


def _tasks(house: House, by: Principal, now: datetime) -> None:
    """A call and a complaint to see to, and a call that was made."""
    paid = RefundRequest.objects.filter(merchant=house.merchant, state__in=PAID, succeeded_at__lt=now - _HOUR)
    wanted = (
        (ReportKind.CALL_BACK, "顾客希望下午三点后回电，确认换货尺码。", ""),
        (ReportKind.COMPLAINT, "顾客认为退款处理太慢。", ""),
        (ReportKind.CALL_BACK, "到账后回访。", "已回访，款项已到账，顾客满意。"),
    )
    for request, (kind, words, outcome) in zip(paid.order_by("-succeeded_at", "pk")[:3], wanted, strict=False):
        due_at = now + 20 * _HOUR
        task = reports.note_task(request_id=request.pk, kind=kind, words=words, due_at=due_at, by=by, at=now - _HOUR)
        if outcome:
            reports.close(report_id=task.pk, outcome=outcome, by=by, at=now - _HOUR / 2)


def _batch(house: House, by: Principal, now: datetime) -> None:
    """A recall, waiting for a second person; the worker checks its rows."""
    asked = RefundRequest.objects.filter(transaction=OuterRef("pk"))
    sales = Transaction.objects.filter(merchant=house.merchant, paid_at__gt=now - timedelta(days=6), corrected_at=None)
    chosen = sales.filter(~Exists(asked), channel="wechat", deposit=None).order_by("paid_at", "pk")[:3]
    wishes = [
        Wish(
            label=sale.order_no,
            amount_fen=min(sale.amount_fen, 1_000),
            draft=Draft(
                transaction_id=sale.pk,
                amount_fen=min(sale.amount_fen, 1_000),
                reason=Reason.QUALITY,
                customer_consent=True,
                description="批次召回",
            ),
        )
        for sale in chosen
    ]
    if wishes:
        batches.file(name="保温杯召回", wishes=wishes, by=by, at=now)


def _shifts(house: House, by: Principal, now: datetime) -> None:
    """Yesterday's, closed, and today's."""
    open_cash = RefundRequest.objects.filter(terminal=OuterRef("pk"), state=State.MANUAL_PENDING)
    tills = Terminal.objects.filter(~Exists(open_cash), store__merchant=house.merchant).select_related("store")
    till = tills.order_by("store__code", "code")[0]
    morning = now.astimezone(SHANGHAI) - timedelta(days=1)
    code, store = till.code, till.store.code
    closed = shifts.begin(terminal=code, store=store, float_fen=50_000, by=by, at=morning - 8 * _HOUR)
    expected_fen = shifts.standing(shift_id=closed.pk, by=by).expected_fen
    shifts.close(shift_id=closed.pk, counted_fen=expected_fen, handed_to="陈店长", by=by, at=morning)
    shifts.begin(terminal=code, store=store, float_fen=50_000, by=by, at=now - 4 * _HOUR)


def _goods_and_agreement(house: House, by: Principal, now: datetime) -> None:
    """Of the two that came last, whose time has only begun."""
    waiting = RefundRequest.objects.filter(
        merchant=house.merchant, state=State.IN_REVIEW, claimed_by=None, reason__in=(Reason.QUALITY, Reason.NO_REASON)
    )
    first, second = waiting.filter(amount_fen__lt=100_000).order_by("-created_at", "pk")[:2]
    returns.ask(request_id=first.pk, message="请将商品连同包装寄回门店。", by=by, at=now, version=first.version)
    customer = principals.of_customer(merchant_id=first.merchant_id, store_id=first.store_id, request_id=first.pk)
    returns.send(request_id=first.pk, carrier="顺丰", parcel_no="SF1420093101", by=customer, at=now)
    consent = Consent(agreed_by="顾客", means=Means.PHONE, agreed_at=now, words="同意只退商品差价。")
    agreeing.agree_amount(request_id=second.pk, amount_fen=second.amount_fen // 2, consent=consent, by=by, at=now)
