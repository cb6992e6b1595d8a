"""Every message in both languages and by both media: what it says, how long it is, what it keeps to itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.html import escape
from pytest_django.fixtures import Settings

from merchants.models import Merchant, Store
from refunds.facts import goods
from refunds.models import Execution, RefundRequest
from refunds.states import RejectReason, State
from refunds.telling import tracking
from refunds.telling.wording import NOTIFIED, words
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db

LOCALES = ("zh-Hans", "en")
MEDIA = ("sms", "email")
#: Characters of one SMS when it has any beyond Latin; of each part when there are several.
ONE_SMS, SMS_PART = 70, 67


def told(event: str, *, medium: str, locale: str, **fields: Any) -> tuple[str, RefundRequest]:
    """The whole text of a message, and its request."""
    funding = fields.pop("funding", "balance")
    sale = make_sale(make_merchant(), 30_000, funding=funding, card_last4="6021" if funding != "balance" else "")
    request = make_request(
        sale,
        26_800,
        phone="13800006021",
        email="wangmin@example.com",
        name="王小敏",
        reason=fields.pop("reason", "quality"),
    )
    if event == State.NEEDS_INFO:
        fields.setdefault("message_to_customer", "请补一张面板开裂处的照片，要看得清型号和序列号，谢谢配合")
    if event == State.WAITING_GOODS:
        goods.expect(request, at=timezone.now())
    if event == State.REJECTED:
        fields = {"reject_reason": RejectReason.GOODS_USED, "message_to_customer": "外壳有使用痕迹", **fields}
    if event in {State.APPROVED, State.REFUNDED, State.FAILED}:
        fields.setdefault("approved_fen", request.amount_fen)
    if event == State.FAILED:
        account = sale.channel_account
        assert account is not None
        now = timezone.now()
        Execution.objects.create(
            merchant=sale.merchant,
            request=request,
            transaction=sale,
            channel_account=account,
            refund_no=f"{request.number}N1",
            amount_fen=request.amount_fen,
            state="failed",
            failure_remedy=fields.pop("remedy", "other_route"),
            ended_at=now,
            created_at=now,
        )
    for name, value in fields.items():
        setattr(request, name, value)
    text = words(event=event, medium=medium, locale=locale, request=request)
    return "\n".join(part for part in (text.subject, text.body) if part), request


def without_link(text: str, request: RefundRequest) -> str:
    return re.sub(r"\s*https?://\S+", "", text).strip()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_every_message_says_who_how_much_and_leaves_nothing_open(event: str, medium: str, locale: str) -> None:
    text, request = told(event, medium=medium, locale=locale)
    assert request.merchant.name in text
    assert "268.00" in text
    assert not re.search(r"%\(|{{|{%|None|\[\]", text), "nothing unfilled"
    assert "  " not in text
    chinese = re.findall(r"[\u4e00-\u9fff]", text.replace("一号店", "").replace(request.merchant.name, ""))
    quoted = request.message_to_customer[:10]
    assert bool(chinese) == (locale == "zh-Hans" or (bool(quoted) and quoted in text))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_no_message_names_the_customer(event: str, medium: str, locale: str) -> None:
    text, request = told(event, medium=medium, locale=locale)
    for secret in ("王小敏", "王", "13800006021", "6021", "wangmin", request.transaction.channel_transaction_no):
        assert secret not in text.replace(tracking.url_for(request.pk), "")


@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_an_sms_in_chinese_is_one_part_and_its_link(event: str, settings: Settings) -> None:
    text, request = told(event, medium="sms", locale="zh-Hans")
    assert len(without_link(text, request)) <= (ONE_SMS if "http" not in text else SMS_PART), text
    assert "\n" not in text
    assert not re.search(r"[。，：] (?!http)", text), "no space between Chinese sentences"
    assert len(text.replace(settings.BASE_URL, "https://refund.example.cn")) <= 2 * SMS_PART, text
    if "http" in text:
        assert re.search(r"\s\S+$", text), "the link stands alone at the end, so that phones recognise it"


@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_an_sms_in_english_is_short_too(event: str) -> None:
    text, request = told(event, medium="sms", locale="en")
    assert len(without_link(text, request)) <= 160, text


@pytest.mark.parametrize(
    ("event", "has_link"),
    [
        ("in_review", True),
        ("needs_info", True),
        ("refunded", True),
        ("failed", False),
        ("rejected", False),
        ("cancelled", False),
    ],
)
def test_an_sms_has_a_link_where_the_customer_has_something_to_do(event: str, has_link: bool) -> None:
    text, _ = told(event, medium="sms", locale="en")
    assert ("/r/" in text) == has_link


def test_a_failed_payout_names_the_number_to_call_and_without_one_the_link() -> None:
    text, request = told("failed", medium="sms", locale="zh-Hans")
    assert request.store.phone in text
    Store.objects.filter(pk=request.store_id).update(phone="")
    request.store.refresh_from_db()
    assert "/r/" in words(event="failed", medium="sms", locale="zh-Hans", request=request).body


def test_an_approval_brings_the_link_only_when_it_is_the_first_message() -> None:
    assert "/r/" not in told("approved", medium="sms", locale="en", by_rule=False)[0]
    assert "/r/" in told("approved", medium="sms", locale="en", by_rule=True)[0]


@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_every_mail_has_the_link_in_both_its_bodies_and_loads_nothing(event: str) -> None:
    sale = make_sale(make_merchant(), 30_000)
    request = make_request(sale, 26_800)
    mail = words(event=event, medium="email", locale="en", request=request)
    (link,) = re.findall(r"https?://\S+/r/\S+", mail.body)
    assert tracking.request_id_of(link.rsplit("/", 1)[1]) == request.pk
    assert f'href="{link.rsplit(":", 2)[0]}' in mail.html
    assert not re.search(r"<(img|script|link|iframe)\b|url\(|@import", mail.html)
    assert "\n" not in mail.subject


# --- what it says -------------------------------------------------------------------------------------------------


def test_amount_account_and_day_are_told_on_approval_and_success() -> None:
    for event in ("approved", "refunded"):
        text, _ = told(event, medium="email", locale="en", funding="debit_card")
        assert "¥268.00" in text
        assert "bank card ending in 6021" in text
        assert re.search(
            r"by (January|February|March|April|May|June|July|August|September|October|November|December) \d", text
        )
    chinese, _ = told("refunded", medium="sms", locale="zh-Hans", funding="debit_card")
    assert re.search(r"\d+月\d+日", chinese)
    assert "6021" in chinese


def test_a_merchants_fault_is_named_and_apologised_for() -> None:
    for event in ("approved", "refunded"):
        text, _ = told(event, medium="email", locale="en", reason="duplicate_charge")
        assert "We charged you twice" in text
        assert "sorry" in text
        calm, _ = told(event, medium="email", locale="en", reason="goodwill")
        assert "sorry" not in calm


def test_a_failure_comes_with_its_cause_and_a_way_out() -> None:
    text, _ = told("failed", medium="email", locale="en")
    assert "cannot take the money" in text
    assert "call the store" in text
    assert "has not left the store" in text


def test_a_part_is_told_beside_what_was_asked_for() -> None:
    text, _ = told("approved", medium="email", locale="en", approved_fen=20_000)
    assert "¥200.00 of the ¥268.00" in text


def test_a_rejection_gives_its_reason_the_reviewers_words_and_a_number_to_call() -> None:
    text, _ = told("rejected", medium="email", locale="en")
    for expected in ("The goods were used or damaged by use", "外壳有使用痕迹", "0571-8888 0001"):
        assert expected in text


def test_a_store_without_a_phone_leaves_no_gap() -> None:
    sale = make_sale(make_merchant(), 30_000)
    Store.objects.filter(pk=sale.store_id).update(phone="")
    request = RefundRequest.objects.select_related("store").get(pk=make_request(sale, 26_800).pk)
    request.reject_reason = RejectReason.NO_PROOF
    for event in ("rejected", "cancelled"):
        for medium in MEDIA:
            body = words(event=event, medium=medium, locale="en", request=request).body
            assert "call the store:" not in body
            assert not body.endswith(("·", ":"))


def test_the_time_of_the_answer_is_shanghais() -> None:
    text, request = told("in_review", medium="sms", locale="en")
    shanghai = request.due_at + timedelta(hours=8)
    assert f"{shanghai:%H:%M}" in text


def test_text_from_people_is_inert_in_both_bodies() -> None:
    nasty = "<svg onload=alert(1)>{{7*7}} gpj.\u202eexe\nzweite\x00 Zeile"
    sale = make_sale(make_merchant(), 30_000)
    request = make_request(sale, 26_800)
    request.message_to_customer = nasty
    Merchant.objects.filter(pk=sale.merchant_id).update(name="A & B\r\nBcc: x@example.com")
    request = RefundRequest.objects.select_related("merchant").get(pk=request.pk)
    request.message_to_customer = nasty
    mail = words(event="needs_info", medium="email", locale="en", request=request)
    assert "{{7*7}}" in mail.body
    assert "A & B" in mail.body, "plain text is not escaped"
    assert escape("<svg onload=alert(1)>") in mail.html
    assert "<svg" not in mail.html
    assert not re.search(r"[\u202e\x00\r]", mail.body + mail.html)
    assert mail.subject.startswith("A & B Bcc: x@example.com: "), "no line of a header can be added"
    sms = words(event="needs_info", medium="sms", locale="en", request=request)
    assert "\n" not in sms.body
