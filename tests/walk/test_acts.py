"""Every act of every page and every call, under the database role that it runs under in production, with real content.

A page that works for the tables' owner may be forbidden, or find nothing, for the role that serves it: COPY, TRUNCATE, temporary
tables, rows without a policy, locks on what may only be read. The walk does each act once and looks at what came of it.
"""

from __future__ import annotations

import pytest

from simulators.kit.testing import RunningSimulator
from tests import after_each
from tests.together import asked_together
from tests.walk.cases import every_case
from tests.walk.roles import login_of_production
from tests.walk.stage import Stage

pytestmark = pytest.mark.django_db

CASES = every_case()
__all__ = ["login_of_production"]
#: A test is one transaction, and while it is open nothing newer is sealed or told anywhere in the cluster.
_PARTS = 24


@pytest.mark.parametrize("part", range(_PARTS))
def test_acts_do_what_they_say_under_the_role_of_production(
    login_of_production: None, wechat_process: RunningSimulator, part: int
) -> None:
    """Each on the same stage, with people of its own, and undone after it. No invariant is broken by any of them."""
    stage = Stage(wechat_process)
    with asked_together() as asked:
        for act in sorted(CASES)[part::_PARTS]:
            # Not the fixture that compares the ledgers at the end: some cases leave a difference open, as people may.
            wechat_process.control("POST", "/reset", {})
            wechat_process.control("DELETE", "/faults")
            with asked(*act):
                CASES[act](stage.anew())
                broken = [f"{breach.code}: {breach.what}" for breach in after_each.breaches()]
                assert not broken, "\n".join(broken)
