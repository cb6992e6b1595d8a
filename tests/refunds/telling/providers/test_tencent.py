"""Tencent Cloud: its codes, and whether an SMS arrived."""

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
        ("FailedOperation.PhoneNumberInBlacklist", "final"),
        ("InvalidParameterValue.IncorrectPhoneNumber", "final"),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", "later"),
        ("InternalError", "later"),
        ("FailedOperation.InsufficientBalanceInSmsPackage", "setting"),
        ("FailedOperation.TemplateUnapprovedOrNotExist", "setting"),
    ],
)
def test_send_when_refused_tells_final_from_settings_from_later(providers: Providers, code: object, fault: str) -> None:
    providers.codes = {_SEND: [code]}
    assert fault_of("tencent") == fault


@pytest.mark.parametrize(
    ("report", "arrived"),
    [
        ([], False),
        ([("4:0", "FAIL", "other"), ("5000:1", "SUCCESS", "ok")], True),
    ],
)
def test_receipt_when_asked_for_says_arrived_or_not_yet(providers: Providers, report: object, arrived: bool) -> None:
    providers.codes = {"PullSmsSendStatusByPhoneNumber": [report]}
    carrier = carrier_of("tencent")
    assert carrier.has_arrived(recipient=PHONE, receipt="5000:1", sent_at=timezone.now()) is arrived


def test_receipt_when_the_network_gave_up_ends_the_message(providers: Providers) -> None:
    providers.codes = {"PullSmsSendStatusByPhoneNumber": [[("5000:1", "FAIL", "关机")]]}
    with pytest.raises(DeliveryFailed) as failed:
        carrier_of("tencent").has_arrived(recipient=PHONE, receipt="5000:1", sent_at=timezone.now())
    assert failed.value.permanent
