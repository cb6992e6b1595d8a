"""Each code that an adapter's table has can be ordered from the stand-in, which answers it in the vendor's form.

The two sides know nothing of each other: the adapters' tables say what a code proves, the stand-ins' lists what is answered. That
the one is what comes of the other is tried in test_every_fault.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from payment_channels import codes_page
from tests.contracts.test_every_fault import ORDERED_AT, RigOf

#: What the stand-ins answer so that a code in no list is tried, too.
_UNLISTED = {"NEVER_DOCUMENTED", "ACQ.NEVER_DOCUMENTED", "ZZ"}
#: UnionPay: no refusal but the everyday answer, and what a query says of the trade and not of itself.
_NO_REFUSAL = {"unionpay": {"refund": {"00"}, "query": {"00", "03", "04", "05", "83", "A6"}}}


def _plain(codes: Iterable[str]) -> set[str]:
    """ "aop." before a sub-code says only who found it."""
    return {code.removeprefix("aop.") for code in codes} - {""}


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
