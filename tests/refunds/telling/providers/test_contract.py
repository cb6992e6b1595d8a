"""What providers share: variables of a template, SDKs that may be missing, codes."""

from __future__ import annotations

import pytest

from refunds.telling.carriers import DeliveryFailed
from refunds.telling.providers.contract import Template, failed, sdk


def test_template_names_its_variables_once_in_order_and_is_filled() -> None:
    template = Template("1", "{number}: {amount}元，共{amount}元")
    assert template.names == ["number", "amount"]
    assert template.filled({"amount": "2.00"}) == ": 2.00元，共2.00元"


def test_sdk_when_it_is_not_installed_is_for_the_merchant_to_mend() -> None:
    with pytest.raises(DeliveryFailed) as error:
        sdk("no_such_sdk.client")
    assert error.value.setting


@pytest.mark.parametrize(
    ("code", "permanent", "setting"), [("A.b", True, False), ("S.x", False, True), ("Z", False, False)]
)
def test_failed_when_given_a_code_says_whose_fault_it_is(code: str, permanent: bool, setting: bool) -> None:
    error = failed("X", code, final=frozenset({"A.b"}), setting=("S.",))
    assert (error.permanent, error.setting) == (permanent, setting)
