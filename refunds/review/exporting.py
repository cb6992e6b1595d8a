"""Taking a whole list of refunds away as a file: by whom, how many, and that it was."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from core.audit.record import record
from core.errors import Invalid
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.models import RefundRequest

#: The most rows of one file. More is refused: a file that was cut off looks complete.
MOST_ROWS = 100_000


def checked(
    rows: QuerySet[RefundRequest], *, by: Principal, filters: Mapping[str, str], at: datetime
) -> QuerySet[RefundRequest]:
    """The rows that this person may take away of these; the audit log knows of it before the first one leaves.

    ``filters`` are what narrowed the list, as they stand in the address. Raises ``Forbidden``, and ``Invalid`` when they are
    too many.
    """
    check_may(Act.EXPORT, by=by)
    rows = rows.filter(merchant_id=by.acting_for)
    if by.stores is not None:
        rows = rows.filter(store_id__in=by.stores)
    count = rows.order_by().values("pk")[: MOST_ROWS + 1].count()
    if count > MOST_ROWS:
        raise Invalid(f"at most {MOST_ROWS} rows are exported at once", code="too_many_rows")
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action="refund.export",
        object_type="refund_list",
        object_id=by.staff_id,
        at=at,
        data={"filters": {name: filters[name][:200] for name in sorted(filters) if filters[name]}, "rows": count},
    )
    return rows
