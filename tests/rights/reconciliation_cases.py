"""Figures, and days with their statements."""

from __future__ import annotations

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from merchants.rights import Act
from reconciliation import closing, differences, importing
from tests.rights.cases import Call, Domain, Form, Page, read
from tests.rights.world import DAY, Who, World


def _statement(world: World, _who: Who) -> Form:
    return Form(account=world.account.code, date=DAY.isoformat(), file=SimpleUploadedFile("a.csv", b"x"))


DOMAIN: dict[Act, Domain] = {
    Act.SEE_ANALYTICS: read(Act.SEE_ANALYTICS),
    Act.SEE_RECONCILIATION: read(Act.SEE_RECONCILIATION),
    Act.TAKE_STATEMENT: lambda world, by: importing.upload(
        account=world.account, day=DAY, file=io.BytesIO(b"?"), by=by, at=timezone.now()
    ),
    Act.RESOLVE_DIFFERENCE: lambda world, by: differences.assign(
        difference_id=world.difference.pk, owner_id=None, by=by, at=timezone.now()
    ),
    Act.ADOPT: lambda world, by: differences.adopt(
        difference_id=world.difference.pk, note="", by=by, at=timezone.now()
    ),
    Act.CLOSE_DAY: lambda world, by: closing.close(day_id=world.day.pk, by=by, at=timezone.now()),
}

REST: list[Call] = [
    (Act.ADOPT, "POST", "transactions/{sale}/adopt", {}),
    (Act.ADOPT, "POST", "reconciliations/differences/{difference}/adopt", {}),
    (Act.TAKE_STATEMENT, "POST", "reconciliations", _statement),
    (Act.SEE_ANALYTICS, "GET", "analytics/summary", None),
    (Act.SEE_RECONCILIATION, "GET", "reconciliations?date=2026-11-20", None),
]

DESK: list[Page] = [
    (Act.SEE_ANALYTICS, "GET", "/desk/analytics", {}),
    (Act.SEE_RECONCILIATION, "GET", "/desk/reconciliation", {}),
    (Act.TAKE_STATEMENT, "POST", "/desk/reconciliation/{account}/2026-11-20/upload", {"file": "rubbish"}),
    (Act.RESOLVE_DIFFERENCE, "POST", "/desk/reconciliation/differences/{difference}/assign", {"owner": ""}),
    (Act.ADOPT, "POST", "/desk/reconciliation/differences/{difference}/adopt", {"confirmed": "1"}),
    (Act.CLOSE_DAY, "POST", "/desk/reconciliation/{account}/2026-11-20/close", {"confirmed": "1"}),
]
