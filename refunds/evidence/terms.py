"""The paper with a deposit's terms: written anew like all evidence, kept with the terms."""

import hashlib
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.audit.record import record_of
from core.errors import Conflict, NotFound
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.evidence import files
from refunds.evidence.files import Picture
from terminals.models import Deposit, Transaction


def keep_document(*, transaction_id: UUID, picture: Picture, by: Principal, at: datetime) -> Deposit:
    """Keep the paper beside the words, once, before any of the deposit goes back; the same file again changes nothing.

    Raises ``Forbidden``, ``NotFound``, or ``Conflict`` where another paper is kept, or a refund was asked for already.
    """
    check_may(Act.REPORT_SALE, by=by)
    sha256 = hashlib.sha256(picture.whole).hexdigest()
    with files.written_files([picture]) as (path,), transaction.atomic():
        sale = Transaction.objects.select_for_update().filter(pk=transaction_id, merchant_id=by.acting_for).first()
        deposit = Deposit.objects.filter(pk=transaction_id).first()
        if sale is None or not by.works_in(sale.store_id) or deposit is None:
            raise NotFound("no terms of a deposit are recorded with this sale", code="transaction_not_found")
        if deposit.document_sha256 not in ("", sha256):
            raise Conflict("another paper is kept with these terms", code="deposit_terms_differ")
        if deposit.document_sha256:
            return deposit
        if sale.reserved_fen:
            raise Conflict("a refund of it was asked for already", code="deposit_terms_too_late")
        deposit.document_path, deposit.document_type, deposit.document_sha256 = path, picture.content_type, sha256
        deposit.save(update_fields=["document_path", "document_type", "document_sha256"])
        record_of(sale, by=by.actor, action="transaction.deposit_document", at=at, data={"sha256": sha256})
    return deposit
