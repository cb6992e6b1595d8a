"""What the rooms below are told by this one."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    name = "reconciliation"

    def ready(self) -> None:
        # There are models by now, and no sooner.
        from reconciliation import matching  # noqa: PLC0415
        from refunds.payouts import explaining  # noqa: PLC0415

        explaining.EXPLAINS.append(matching.explain)
