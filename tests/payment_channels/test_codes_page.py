"""No documented code is without a meaning, and each meaning names what a person can do."""

from __future__ import annotations

import pytest

from payment_channels import codes_page
from payment_channels.contract import Retry, Unknown
from payment_channels.remedies import REMEDIES
from payment_channels.rules import Rule, outcome_of
from tests.payment_channels.vendors_codes import ALIPAY_REFUND, INFERRED, VENDORS

_LISTS = [(channel, operation) for channel, operations in VENDORS.items() for operation in operations]


@pytest.mark.parametrize(("channel", "operation"), _LISTS)
def test_table_when_vendor_documents_a_code_has_its_meaning(channel: str, operation: str) -> None:
    (known,) = [entry for entry in codes_page.LISTS[channel] if entry.operation == operation]

    assert set(VENDORS[channel][operation]) <= set(known.codes)
    assert all(known.rules[code].meaning for code in known.codes)
    assert known.source.startswith("https://")


@pytest.mark.parametrize(("channel", "operation"), _LISTS)
def test_table_has_nothing_but_what_is_documented_or_named_as_inferred(channel: str, operation: str) -> None:
    (known,) = [entry for entry in codes_page.LISTS[channel] if entry.operation == operation]
    inferred = INFERRED[channel].get(operation, set())

    assert set(known.codes) <= {*VENDORS[channel][operation], *inferred}
    assert inferred <= set(known.codes)


def test_alipays_refund_has_the_31_codes_of_its_page() -> None:
    assert len(set(ALIPAY_REFUND)) == 31


def test_every_rule_names_a_known_remedy_and_alarms_say_what_to_mend() -> None:
    rules = [rule for lists in codes_page.LISTS.values() for entry in lists for rule in entry.rules.values()]

    assert {rule.remedy for rule in rules if rule.remedy} <= set(REMEDIES)
    assert all(rule.remedy for rule in rules if rule.retry is not None)
    assert {rule.remedy for rule in rules if rule.retry is Retry.AFTER_MENDING} == {
        "check_account",
        "check_clock",
        "check_keys",
        "check_permission",
    }


@pytest.mark.parametrize("maybe_received", [False, True])
def test_outcome_when_code_is_in_no_table_proves_nothing_and_keeps_the_channels_words(maybe_received: bool) -> None:
    outcome = outcome_of(None, code="NEW_2027", message="新的原因", raw="{}", maybe_received=maybe_received)

    assert outcome == Unknown(code="NEW_2027", message="新的原因", remedy="unlisted_code", raw="{}")


def test_outcome_when_the_query_decides_is_unknown_even_on_a_first_send() -> None:
    rule = Rule(meaning="busy", retry=None)

    assert isinstance(outcome_of(rule, code="06", message="", raw="", maybe_received=False), Unknown)


def test_page_of_codes_is_what_the_tables_say() -> None:
    assert codes_page.PAGE.read_text(encoding="utf-8") == codes_page.render(), (
        "run python -m payment_channels.codes_page"
    )
