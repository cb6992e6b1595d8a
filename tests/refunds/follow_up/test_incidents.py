"""Incidents: what they affect, the provider, the apology that reaches each person once, and the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Conflict, Forbidden, Invalid, NotFound
from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from refunds.follow_up import incidents
from refunds.follow_up.incidents import Apologies, Problem, Ticket
from refunds.models import Apology, Execution, Incident, Notification, RefundRequest
from refunds.review import deciding, escalating
from refunds.telling import outbox
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, "manager"))


def opened(by: Principal, **fields: Any) -> Incident:
    now = timezone.now()
    problem = Problem(**{"title": "收银机黑屏", "began_at": now - timedelta(hours=3), "store": "S001", **fields})
    return incidents.open_incident(problem=problem, by=by, at=now)


def test_affected_when_till_channel_and_span_fit_are_that_places_refunds_and_sales(
    merchant: Merchant, manager: Principal
) -> None:
    sale = make_sale(merchant, 10_000)
    refund = make_request(sale)
    make_request(make_sale(make_merchant(), 10_000))
    incident = opened(manager, channel=sale.channel)
    assert list(incidents.affected_refunds(incident)) == [refund]
    assert list(incidents.affected_sales(incident)) == [sale]
    other = opened(manager, channel="unionpay")
    assert not incidents.affected_refunds(other).exists()
    before = opened(manager, began_at=timezone.now() - timedelta(days=9), ended_at=timezone.now() - timedelta(days=8))
    assert not incidents.affected_refunds(before).exists()
    assert not incidents.affected_sales(before).exists()


def test_affected_when_an_error_is_named_are_the_payouts_with_it(merchant: Merchant, manager: Principal) -> None:
    refund, _other = make_request(make_sale(merchant, 10_000)), make_request(make_sale(merchant, 10_000))
    sent = {"failure_code": "SYSTEM_ERROR", "first_sent_at": timezone.now() - timedelta(minutes=5)}
    assert Execution.objects.filter(request=refund).update(**sent) == 1
    incident = opened(manager, error_code="SYSTEM_ERROR")
    assert list(incidents.affected_refunds(incident)) == [refund]
    assert not incidents.affected_sales(incident).exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": " "}, "message_required"),
        ({"store": "S999"}, "unknown_store"),
        ({"terminal": "POS-99"}, "unknown_terminal"),
        ({"store": "", "terminal": "POS-01"}, "unknown_terminal"),
        ({"channel": "x"}, "unknown_channel"),
        ({"began_at": timezone.now() + timedelta(days=900)}, "span_invalid"),
        ({"ended_at": timezone.now() - timedelta(days=900)}, "span_invalid"),
    ],
)
def test_open_when_it_cannot_be_stores_nothing(manager: Principal, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        opened(manager, **fields)
    assert refused.value.code == code
    assert not Incident.objects.exists()


def test_ask_provider_when_refunds_wait_holds_only_those_of_its_fault_until_it_answers(
    merchant: Merchant, manager: Principal
) -> None:
    fault, held, other = (
        make_request(make_sale(merchant, 50_000), 30_000, reason=reason)
        for reason in ("system_fault", "network_fault", "quality")
    )
    colleague = of_staff(make_staff(merchant, "manager"))
    deciding.claim(request_id=held.pk, by=colleague, at=timezone.now())
    incident, due_at = opened(manager), fault.due_at

    def states() -> list[str]:
        return [RefundRequest.objects.get(pk=one.pk).state for one in (fault, held, other)]

    def ask() -> None:
        ticket = Ticket(provider="收单机构", ticket_no="T-7")
        incidents.ask_provider(incident_id=incident.pk, ticket=ticket, refunds_wait=True, by=manager, at=timezone.now())

    ask()
    assert states() == ["waiting_vendor", "in_review", "in_review"]
    fault = RefundRequest.objects.get(pk=fault.pk)
    assert (fault.due_at, fault.paused_at) == (due_at, None)
    with pytest.raises(Conflict):
        deciding.approve(request_id=fault.pk, by=manager, at=timezone.now(), version=fault.version)
    incidents.note_answer(incident_id=incident.pk, words="系统已恢复", by=manager, at=timezone.now())
    assert states() == ["in_review"] * 3
    ask()
    incidents.close(incident_id=incident.pk, cause="channel", prevention="换线路", by=manager, at=timezone.now())
    assert states() == ["in_review"] * 3


def test_ask_provider_when_the_customers_time_is_up_the_refund_is_decided_without_the_answer(
    merchant: Merchant, manager: Principal
) -> None:
    fault = make_request(make_sale(merchant, 50_000), 30_000, reason="operator_error")
    incident = opened(manager)
    asked = Ticket(provider="收单机构")
    incidents.ask_provider(incident_id=incident.pk, ticket=asked, refunds_wait=True, by=manager, at=timezone.now())
    escalating.work(at=fault.due_at - timedelta(minutes=1))
    fault = RefundRequest.objects.get(pk=fault.pk)
    assert (fault.state, fault.escalated_at) == ("waiting_vendor", None)
    escalating.work(at=fault.due_at)
    fault = RefundRequest.objects.get(pk=fault.pk)
    assert (fault.state, fault.escalated_at) == ("in_review", fault.due_at)


def test_apologise_when_tried_first_writes_nothing_and_then_to_each_person_once(
    merchant: Merchant, manager: Principal
) -> None:
    for phone in ("13912345678", "13912345678", "13800000001", ""):
        make_request(make_sale(merchant, 10_000), phone=phone)
    incident = opened(manager)
    Notification.objects.all().delete()
    would = incidents.apologise(incident_id=incident.pk, dry_run=True, by=manager, at=timezone.now())
    assert (would, Notification.objects.count(), Apology.objects.count()) == (Apologies(2, 0, 1), 0, 0)
    assert incidents.apologise(incident_id=incident.pk, dry_run=False, by=manager, at=timezone.now()) == would
    make_request(make_sale(merchant, 10_000), phone="13912345678")
    make_request(make_sale(merchant, 10_000), phone="13700000009")
    again = incidents.apologise(incident_id=incident.pk, dry_run=False, by=manager, at=timezone.now())
    assert again == Apologies(1, 2, 1)
    said = Notification.objects.filter(event="apology")
    assert said.count() == 3
    assert sorted(said.values_list("masked_recipient", flat=True)) == [
        "137 **** 0009",
        "138 **** 0001",
        "139 **** 5678",
    ]
    assert AuditEvent.objects.filter(action="incident.apologise").count() == 2


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_apology_when_sent_says_sorry_in_the_customers_language(
    merchant: Merchant, manager: Principal, locale: str
) -> None:
    make_request(make_sale(merchant, 10_000), email="a@example.com", locale=locale)
    Notification.objects.all().delete()
    incidents.apologise(incident_id=opened(manager).pk, dry_run=False, by=manager, at=timezone.now())
    outbox.send_due(at=timezone.now())
    assert Notification.objects.get(event="apology").state == "sent"


def test_apologise_when_others_hands_are_needed_is_refused_and_writes_nothing(merchant: Merchant) -> None:
    cashier = of_staff(make_staff(merchant, "cashier"))
    make_request(make_sale(merchant, 10_000), phone="13912345678")
    incident = opened(cashier)
    with pytest.raises(Forbidden):
        incidents.apologise(incident_id=incident.pk, dry_run=False, by=cashier, at=timezone.now())
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    with pytest.raises(NotFound):
        incidents.apologise(incident_id=incident.pk, dry_run=False, by=stranger, at=timezone.now())
    assert not Apology.objects.exists()


def test_provider_when_it_promises_sets_when_the_incident_is_due(manager: Principal) -> None:
    incident, promised = opened(manager), timezone.now() + timedelta(days=2)
    ticket = Ticket(provider="拉卡拉", ticket_no="T-1", promised_at=promised, cost_fen=20_000)
    incidents.ask_provider(incident_id=incident.pk, ticket=ticket, by=manager, at=timezone.now())
    incidents.note_answer(incident_id=incident.pk, words="明天换机", by=manager, at=timezone.now())
    incident.refresh_from_db()
    assert (incident.state, incident.due_at, incident.cost_fen) == ("waiting", promised, 20_000)
    assert [one["words"] for one in incident.answers] == ["明天换机"]
    with pytest.raises(Invalid):
        incidents.ask_provider(incident_id=incident.pk, ticket=Ticket(provider=" "), by=manager, at=timezone.now())


def test_close_when_cause_and_prevention_are_named_ends_it_and_three_alike_are_a_lesson(manager: Principal) -> None:
    for _ in range(3):
        incident = opened(manager)
        ticket = Ticket(provider="拉卡拉", cost_fen=10_000)
        incidents.ask_provider(incident_id=incident.pk, ticket=ticket, by=manager, at=timezone.now())
        with pytest.raises(Invalid):
            incidents.close(incident_id=incident.pk, cause="till", prevention=" ", by=manager, at=timezone.now())
        incidents.close(incident_id=incident.pk, cause="till", prevention="备用机", by=manager, at=timezone.now())
        with pytest.raises(Conflict):
            incidents.close(incident_id=incident.pk, cause="till", prevention="?", by=manager, at=timezone.now())
    (lesson,) = incidents.lessons(by=manager, at=timezone.now())
    assert (lesson.incidents, lesson.cost_fen, lesson.chronic, lesson.preventions) == (3, 30_000, True, ["备用机"])
