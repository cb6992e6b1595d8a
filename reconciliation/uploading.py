"""A file as a person brings it: the day's statement, or the account's fund flow beside it. The file itself says which."""

from datetime import date, datetime
from typing import BinaryIO

from django.db import transaction

from merchants.models import ChannelAccount
from merchants.principals import Principal
from payment_channels import tables
from reconciliation import funds, importing
from reconciliation.importing import Imported
from reconciliation.models import FundStatement


def upload(
    *, account: ChannelAccount, day: date, file: BinaryIO, by: Principal, at: datetime
) -> Imported | FundStatement:
    """Take it in; of a zip with both, both. Raises what ``importing.upload`` and ``funds.upload`` raise; then nothing is left of
    it.
    """
    kinds = tables.kinds_in(file, channel=account.channel) if funds.offered_by(account) else frozenset[str]()
    if kinds == {"funds"}:
        return funds.upload(account=account, day=day, file=file, by=by, at=at)
    with transaction.atomic():
        imported = importing.upload(account=account, day=day, file=file, by=by, at=at)
        if "funds" in kinds:
            funds.upload(account=account, day=day, file=file, by=by, at=at)
    return imported
