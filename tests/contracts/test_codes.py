"""Each code that an adapter's table has can be ordered from the stand-in, which answers it in the vendor's form.

The two sides know nothing of each other: the adapters' tables say what a code proves, the stand-ins' lists what is answered.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from payment_channels import codes_page
from payment_channels.contract import Done, Refused, Retry, Unknown
from payment_channels.rules import Rule
from tests.contracts.rigs import reference_of
from tests.contracts.test_every_fault import CATALOGUES, RigOf, drive

#: Channel -> operation of the adapter's lists -> where the stand-in takes faults for it.
ORDERED_AT: dict[str, dict[str, tuple[str, ...]]] = {
    "wechat": {
        "POST /v3/refund/domestic/refunds": ("refund",),
        "GET /v3/refund/domestic/refunds/{out_refund_no}": ("query",),
        "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund": ("abnormal",),
        "GET /v3/pay/transactions/…": ("query",),
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse": ("close", "reverse"),
    },
    "alipay": {
        "alipay.trade.refund": ("refund",),
        "alipay.trade.fastpay.refund.query": ("query",),
        "alipay.trade.query": ("query",),
        "alipay.trade.cancel": ("cancel",),
        "every operation": ("refund", "query", "cancel"),
    },
    "unionpay": {"backTransReq.do (04, 31, 32), queryTrans.do (00)": ("refund", "query")},
}
#: What the stand-ins answer so that a code in no list is tried, too.
_UNLISTED = {"NEVER_DOCUMENTED", "ACQ.NEVER_DOCUMENTED", "ZZ"}
#: UnionPay: no refusal but the everyday answer, and what a query says of the trade and not of itself.
_NO_REFUSAL = {"unionpay": {"refund": {"00"}, "query": {"00", "03", "04", "05", "83", "A6"}}}


def _plain(codes: Iterable[str]) -> set[str]:
    """ "aop." before a sub-code says only who found it."""
    return {code.removeprefix("aop.") for code in codes} - {""}


def _ordered(channel: str, operation: str) -> set[str]:
    return _plain(kind.code for kind in CATALOGUES[channel][operation].values())


@pytest.mark.parametrize("channel", ORDERED_AT)
def test_stand_in_lists_every_code_that_the_adapter_knows_and_no_other(rigs: RigOf, channel: str) -> None:
    listed = rigs(channel).simulator.control("GET", "/faults")["faults"]
    known: dict[str, set[str]] = {}
    for entry in codes_page.LISTS[channel]:
        for operation in ORDERED_AT[channel][entry.operation]:
            known.setdefault(operation, set()).update(entry.codes)

    assert set(ORDERED_AT[channel]) == {entry.operation for entry in codes_page.LISTS[channel]}
    for operation, codes in known.items():
        there = _plain(entry["code"] for entry in listed if entry["operation"] == operation)
        assert there == (codes - _NO_REFUSAL.get(channel, {}).get(operation, set())) | (there & _UNLISTED)
        assert there & _UNLISTED


def _rules(channel: str) -> dict[str, Rule]:
    """What an application's codes prove; the operation's own come before every operation's."""
    rules: dict[str, Rule] = {}
    for entry in reversed(codes_page.LISTS[channel]):
        if "refund" in ORDERED_AT[channel][entry.operation]:
            rules |= {code: entry.rules[code] for code in entry.codes}
    return rules


_REFUSED = [
    (rig, fault, kind.code.removeprefix("aop."))
    for rig in ORDERED_AT
    for fault, kind in CATALOGUES[rig]["refund"].items()
    if kind.code and kind.en.endswith("nothing was accepted")
]


@pytest.mark.parametrize(("name", "fault", "code"), _REFUSED)
def test_refund_refused_with_a_code_is_what_the_adapters_table_says(
    rigs: RigOf, name: str, fault: str, code: str
) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", fault, order_no=order.order_no)

    outcome = rig.channel.refund(order)

    rule = _rules(name).get(code)
    assert rig.moved(order) == []
    if not isinstance(outcome, Refused):
        # Nothing is proven: the table says so, no list has it, nobody signed it, or the server itself was in trouble.
        assert isinstance(outcome, Unknown)
        assert not outcome.accepted
        assert rule is None or rule.retry is None or outcome.code in {"server_error", "bad_signature"}
        assert outcome.code in {code, "server_error", "bad_signature"}
        return
    assert rule is not None
    assert (outcome.code, outcome.retry, outcome.throttled) == (code, rule.retry, rule.throttled)
    assert outcome.remedy == ("check_clock" if fault == "clock" else rule.remedy)
    assert outcome.message


_ENDINGS = [fault for fault in CATALOGUES["unionpay"]["refund"] if fault.startswith("ends_")]


@pytest.mark.parametrize("fault", _ENDINGS)
def test_refund_that_failed_with_a_code_ends_or_calls_a_person(rigs: RigOf, fault: str) -> None:
    rig = rigs("unionpay")
    order = rig.sale()
    rig.fault("refund", fault, order_no=order.order_no)

    outcome = drive(rig, order, rig.channel.refund(order))

    assert rig.moved(order) == []
    assert not isinstance(outcome, Done)
    assert outcome.code == fault.removeprefix("ends_")
    assert isinstance(outcome, Unknown) or outcome.retry is Retry.NEW_NUMBER


_ASKED = [
    (rig, fault, kind.code.removeprefix("aop."))
    for rig in ORDERED_AT
    for fault, kind in CATALOGUES[rig]["query"].items()
    if kind.code
]


@pytest.mark.parametrize(("name", "fault", "code"), _ASKED)
def test_query_refused_with_a_code_proves_nothing_and_says_which(rigs: RigOf, name: str, fault: str, code: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("query", fault, order_no=order.order_no)

    outcome = rig.channel.query_refund(reference_of(order))

    assert isinstance(outcome, Unknown)
    assert not outcome.accepted
    assert outcome.code in {code, "not_found", "server_error", "bad_signature"}
