"""When statements are fetched and compared."""

from django.utils import timezone

from core.periodic import periodic
from reconciliation import downloading


@periodic("refunds.reconcile")
def reconcile() -> None:
    downloading.work(at=timezone.now())
