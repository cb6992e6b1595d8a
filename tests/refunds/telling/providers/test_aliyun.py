"""Alibaba Cloud: its codes, and whether an SMS arrived."""

from __future__ import annotations

import pytest
from django.utils import timezone

from refunds.telling.carriers import DeliveryFailed
from tests.refunds.telling.providers.conftest import PHONE, Providers
from tests.refunds.telling.providers.test_registry import carrier_of, fault_of

_SEND = "SendSms"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", "final"),
        ("isv.BUSINESS_LIMIT_CONTROL", "later"),
        ("isp.SYSTEM_ERROR", "later"),
        ("isv.AMOUNT_NOT_ENOUGH", "setting"),
        ("isv.SMS_SIGNATURE_ILLEGAL", "setting"),
    ],
)
def test_send_when_refused_tells_final_from_settings_from_later(providers: Providers, code: object, fault: str) -> None:
    providers.codes = {_SEND: [code]}
    assert fault_of("aliyun") == fault


@pytest.mark.parametrize(
    ("report", "arrived"),
    [
        ([], False),
        ([(1, "")], False),
        ([(3, "DELIVERED")], True),
    ],
)
def test_receipt_when_asked_for_says_arrived_or_not_yet(providers: Providers, report: object, arrived: bool) -> None:
    providers.codes = {"QuerySendDetails": [report]}
    carrier = carrier_of("aliyun")
    assert carrier.has_arrived(recipient=PHONE, receipt="9006^1", sent_at=timezone.now()) is arrived


def test_receipt_when_the_network_gave_up_ends_the_message(providers: Providers) -> None:
    providers.codes = {"QuerySendDetails": [[(2, "MOBILE_NOT_ON_SERVICE")]]}
    with pytest.raises(DeliveryFailed) as failed:
        carrier_of("aliyun").has_arrived(recipient=PHONE, receipt="9006^1", sent_at=timezone.now())
    assert failed.value.permanent
