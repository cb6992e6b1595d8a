"""What the customer reads in every state, who may read it, and what a link gives away."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.calendar import SHANGHAI
from core.errors import NotFound
from customer.refund import view
from refunds.models import RefundRequest
from refunds.states import IN_TRANSIT, State
from refunds.telling import tracking
from tests.customer.conftest import Staged

pytestmark = pytest.mark.django_db

STATES = sorted(set(State) - set(IN_TRANSIT))


def address(request: RefundRequest, query: str = "") -> str:
    return f"/r/{tracking.token_for(request.pk)}{query}"


def read(request: RefundRequest, language: str = "en") -> str:
    response = Client().get(address(request, f"?lang={language}"))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_page_with_amount_number_steps_and_the_stores_phone(
    staged: Staged, state: State, language: str
) -> None:
    request = staged(state)
    page = read(request, language)
    for expected in ("268.00", request.number, "0571-8888 0001", request.transaction.order_no, 'class="steps'):
        assert expected in page
    for secret in ("13800006021", "wangmin", request.transaction.channel_transaction_no):
        assert secret not in page


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        ("in_review", ["The store is checking your refund", "Result by", "we will text you"]),
        ("needs_info", ["The store needs something from you", "请补一张面板的照片", "Send the answer"]),
        ("approved", ["Your refund is approved", "It usually arrives within minutes.", "We are sorry."]),
        ("executing", ["Your money is on its way", "WeChat balance"]),
        ("unknown", ["Your refund is being confirmed", "It is never paid twice."]),
        ("failed", ["Your refund is delayed", "cannot take the money", "call the store", "Nothing is lost"]),
        ("rejected", ["Your refund was not approved", "The goods were used", "外壳有明显的使用痕迹"]),
        ("cancelled", ["Your refund request was withdrawn", "No money was moved."]),
        ("refunded", ["Your money is refunded", "WeChat balance", "How was it?"]),
    ],
)
def test_the_page_says_what_happens_now_and_what_to_do(staged: Staged, state: str, sentences: list[str]) -> None:
    page = read(staged(state))
    for sentence in sentences:
        assert sentence.replace("'", "&#x27;") in page


def test_a_late_review_is_admitted(staged: Staged) -> None:
    request = staged("in_review")
    with time_machine.travel(request.due_at + timedelta(minutes=1), tick=False):
        assert "It takes longer than we said, and we are sorry." in read(request)


def test_a_card_takes_working_days_and_the_page_names_the_day_and_the_cards_end(staged: Staged) -> None:
    request = staged("refunded", funding="debit_card", card_last4="6021")
    page = read(request)
    assert "bank card ending in 6021" in page
    assert "It will be there by" in page
    with time_machine.travel(timezone.now() + timedelta(days=20), tick=False):
        assert "It should be there since" in read(request)


def test_an_approved_part_stands_beside_what_was_asked_for(staged: Staged) -> None:
    page = read(staged("approved", approved_fen=20_000))
    assert "200.00" in page
    assert "of the ¥268.00 that was asked for" in page


def test_a_change_of_mind_needs_no_apology(staged: Staged) -> None:
    assert "We are sorry." not in read(staged("approved", reason="goodwill"))


# --- language -----------------------------------------------------------------------------------------------------


def test_the_refunds_own_language_comes_first_and_the_link_switches(staged: Staged) -> None:
    request = staged("in_review", locale="en")
    response = Client().get(address(request), headers={"Accept-Language": "zh-CN"})
    assert '<html lang="en"' in response.content.decode()
    assert response["Content-Language"] == "en"
    assert '<html lang="zh-Hans"' in read(request, "zh-hans")
    assert 'href="?lang=zh-hans"' in read(request)
    unknown = Client().get(address(request, "?lang=xx"))
    assert '<html lang="en"' in unknown.content.decode()


def test_language_chosen_in_this_browser_holds_on_every_page_behind_the_link(staged: Staged) -> None:
    request, visitor = staged("in_review", locale="en"), Client()
    visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    for path in (address(request), address(request)[:-1], "/r/apply/x"):
        assert '<html lang="zh-Hans"' in visitor.get(path).content.decode()
    refused = visitor.post(f"/r/{tracking.token_for(request.pk)}/rate", {"score": "9"})
    assert (refused.status_code, refused["Content-Language"]) == (422, "zh-hans")
    assert '<html lang="en"' in visitor.get(address(request, "?lang=en")).content.decode()
    visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = "xx"
    assert '<html lang="en"' in visitor.get(address(request)).content.decode()


# --- the link -----------------------------------------------------------------------------------------------------


def test_nobody_keeps_the_page_and_its_address_is_told_to_nobody(staged: Staged) -> None:
    response = Client().get(address(staged("in_review")))
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert 'name="referrer" content="no-referrer"' in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not response.cookies, "the page needs no cookie"
    assert response.headers.get("X-Frame-Options") == "DENY"


def test_a_link_has_one_spelling(staged: Staged) -> None:
    """The ordinary alphabet's + and / would say the same bytes."""
    request = staged("in_review")
    now = timezone.now()
    for second in range(600):
        with time_machine.travel(now - timedelta(seconds=second), tick=False):
            token = tracking.token_for(request.pk)
        if "-" in token:
            break
    assert Client().get(f"/r/{token}").status_code == 200
    assert Client().get(f"/r/{token.replace('-', '+')}").status_code == 404


def test_a_forged_link_is_a_404_and_says_nothing(staged: Staged) -> None:
    request = staged("in_review")
    token = tracking.token_for(request.pk)
    other = staged("in_review")
    forged = [
        *(token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token))),
        token[:-1],
        token[:-4],
        f"{token}AAAA",
        f"{tracking.token_for(other.pk)[:21]}{token[21:]}",
        f"{token[:-1]}=",
        "退款",
        str(request.pk),
        "x",
        "../../etc/passwd",
    ]
    for text in forged:
        cache.clear()
        response = Client().get(f"/r/{text}", {"lang": "en"})
        assert response.status_code == 404, text
        assert request.number not in response.content.decode()
    # What is no text at all is refused before it is taken for a link.
    assert Client().get(f"/r/{token}%00").status_code == 400
    assert "This link is not complete" in Client().get(f"/r/{token[:-1]}?lang=en").content.decode()


def test_a_link_fits_into_an_sms_and_outlives_a_change_of_keys(staged: Staged, settings: Settings) -> None:
    request = staged("in_review")
    token = tracking.token_for(request.pk)
    assert len(token) == 48
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key for the tests", [settings.SECRET_KEY]
    assert tracking.request_id_of(token) == request.pk
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(NotFound):
        tracking.request_id_of(token)


def test_a_failed_payout_promises_no_day_and_puts_the_call_first(staged: Staged) -> None:
    page = read(staged("failed"))
    assert "once it is paid" in page
    assert page.index("tel:05718888") < page.index('class="steps')
    assert "usually within minutes" not in page


def test_a_refusal_says_what_can_still_be_done(staged: Staged) -> None:
    page = read(staged("rejected"))
    assert "have new proof, it can be looked at again, by somebody else" in page
    assert "Goes back to" not in page


def test_a_genuine_link_to_a_refund_that_is_gone_is_a_404(staged: Staged) -> None:
    token = tracking.token_for(staged("in_review").transaction_id)
    assert Client().get(f"/r/{token}").status_code == 404


def test_an_old_link_says_kindly_that_it_is_too_old(staged: Staged, settings: Settings) -> None:
    request = staged("in_review")
    link = address(request)
    with time_machine.travel(timezone.now() + timedelta(days=settings.TRACKING_LINK_DAYS, minutes=1)):
        for path in (link, f"{link}/rate", f"{link}/answer"):
            response = Client().get(path) if path == link else Client().post(path)
            assert response.status_code == 410
            page = response.content.decode()
            assert request.number not in page
            assert "268.00" not in page
            assert response["Cache-Control"] == "no-store"
        assert "Ask the store for a new one" in Client().get(f"{link}?lang=en").content.decode()


def test_one_who_keeps_guessing_is_slowed_down_and_customers_are_not(staged: Staged) -> None:
    guesser = Client(REMOTE_ADDR="203.0.113.9")
    answers = [guesser.get(f"/r/guess-{number}").status_code for number in range(view.BAD_TOKENS.free + 2)]
    assert answers == [404] * view.BAD_TOKENS.free + [429] * 2
    last = guesser.get("/r/guess")
    assert 0 < int(last["Retry-After"]) <= view.BAD_TOKENS.first_wait_s
    assert guesser.get(address(staged("in_review"))).status_code == 200, "customers may share the guesser's address"
    assert Client(REMOTE_ADDR="203.0.113.10").get("/r/guess").status_code == 404
    cache.clear()
    assert guesser.get("/r/guess").status_code == 404


def test_text_from_people_stays_text(staged: Staged) -> None:
    request = staged("needs_info")
    RefundRequest.objects.filter(pk=request.pk).update(
        message_to_customer="<svg onload=alert(1)>{{7*7}}{% debug %} gpj.\u202eexe"
    )
    page = read(request)
    assert "&lt;svg onload=alert(1)&gt;{{7*7}}" in page
    assert "\u202e" not in page
    assert "<svg onload" not in page


def test_a_time_that_the_customer_agreed_to_is_shown(staged: Staged) -> None:
    request = staged("in_review")
    until = request.due_at + timedelta(days=3)
    RefundRequest.objects.filter(pk=request.pk).update(due_at=until, extended_until=until)
    page = read(RefundRequest.objects.get(pk=request.pk))
    assert "As agreed with you, it takes longer. Result by" in page
    assert f"{until.astimezone(SHANGHAI):%H:%M}" in page


def test_day_of_arrival_is_promised_only_once_the_customer_owes_nothing(staged: Staged) -> None:
    for state, promised in (("needs_info", False), ("in_review", True)):
        page = read(staged(state, funding="debit_card", card_last4="6021"))
        arrives = page.split('class="steps')[1].split("Arrives")[1].split("</li>")[0]
        assert ("by " in arrives) is promised, (state, arrives)
