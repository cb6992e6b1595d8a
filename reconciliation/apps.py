"""What the rooms below are told by this one."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    name = "reconciliation"

    def ready(self) -> None:
        from reconciliation import matching  # noqa: PLC0415 - models are there only by now
        from refunds.payouts import explaining  # noqa: PLC0415 - models are there only by now

        explaining.EXPLAINS.append(matching.explain)
