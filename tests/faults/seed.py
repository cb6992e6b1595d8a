"""``python -m tests.faults.seed ACCOUNT.JSON COUNT``: a merchant with paid sales in a database of its own.

For tests that kill PostgreSQL itself, which the test run's own database would not survive. Prints JSON: key, sales, payments.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

from merchants.principals import of_staff


def main(account_path: str, count: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415 -- only once Django is set up
    from django.utils import timezone  # noqa: PLC0415

    from merchants import api_keys  # noqa: PLC0415
    from merchants.models import KeyScope, Staff  # noqa: PLC0415
    from tests.factories import make_account, make_merchant, make_sale  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    merchant = make_merchant()
    account = json.loads(Path(account_path).read_text())
    make_account(merchant, account, first_query_s=0.2, timeout_s=0.7, query_lag_s=0)
    owner = Staff.objects.get(merchant=merchant, role="owner")
    _row, key, _secret = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=list(KeyScope.values),
        by=of_staff(owner),
        at=timezone.now(),
        all_stores=True,
    )
    # What is approved by rule is limited by cashier and day.
    sales = [make_sale(merchant, cashier=f"F{number}") for number in range(count)]
    payments = [
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(),
        }
        for sale in sales
    ]
    sys.stdout.write(json.dumps({"key": key, "sales": [str(sale.pk) for sale in sales], "payments": payments}))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
