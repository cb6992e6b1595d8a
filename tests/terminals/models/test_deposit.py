"""What the database itself refuses of a deposit's terms."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.utils import timezone

from terminals.models import Deposit
from tests.factories import make_merchant, make_sale


@pytest.mark.django_db
@pytest.mark.parametrize(("contract_fen", "terms"), [(0, "婚宴"), (100, "")])
def test_deposit_when_it_has_no_terms_is_not_stored(contract_fen: int, terms: str) -> None:
    sale = make_sale(make_merchant(), kind="deposit")
    with pytest.raises(IntegrityError, match="deposit_has_terms"):
        Deposit.objects.create(
            transaction=sale,
            kind="earnest",
            contract_fen=contract_fen,
            terms=terms,
            recorded_by="till",
            recorded_at=timezone.now(),
        )
