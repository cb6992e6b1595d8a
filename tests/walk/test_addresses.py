"""Every address of the URLconf: walked by a case with real content, and never a fault of ours, whatever is sent to it."""

from __future__ import annotations

import pytest

from merchants.models import Role
from refunds.telling import tracking
from refunds.telling.tracking import Receipt
from simulators.kit.testing import RunningSimulator
from tests.factories import make_merchant, make_request, make_sale
from tests.together import asked_together
from tests.walk.addresses import acts, example, routes
from tests.walk.cases import every_case
from tests.walk.stage import Stage

pytestmark = pytest.mark.django_db

CASES = every_case()
_ODD = ("OPTIONS", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "NONSENSE")
#: A test is one transaction, and while it is open nothing newer is sealed or told anywhere in the cluster.
_PARTS = 8


def test_every_act_of_every_address_has_a_case() -> None:
    """A new address, or another method of one, needs a case in this folder's table."""
    # The customer's pages say nothing to whoever has no link: of their refund, or of the code on a receipt.
    sale = make_sale(make_merchant())
    link, receipt = tracking.token_for(make_request(sale).pk), tracking.apply_token(Receipt(sale.store_id, sale.pk))
    tokens = {route: receipt if route.startswith("/r/apply/") else link for route in routes()}
    there = {(method, route) for route, token in tokens.items() for method in acts(example(route, token=token))}
    assert len(there) > 90
    assert there - set(CASES) == set(), "no case walks these"
    assert set(CASES) - there == set(), "these lead nowhere any more"


@pytest.mark.parametrize("part", range(_PARTS))
def test_no_method_at_any_address_is_a_fault_of_ours(wechat_process: RunningSimulator, part: int) -> None:
    stage = Stage(wechat_process)
    with asked_together() as asked:
        for at, route in enumerate(routes()[part::_PARTS]):
            # Who has not signed in is mostly shown the door: with every third method, all of them in turn.
            by_nobody, nobody, owner = _ODD[at % 3 :: 3], stage.nobody(), stage.browser(Role.OWNER)
            for client, method in [*((nobody, method) for method in by_nobody), *((owner, method) for method in _ODD)]:
                with asked(method, route):
                    answer = client.generic(method, example(route))
                    assert answer.status_code < 500 or route == "/readyz", answer.status_code
