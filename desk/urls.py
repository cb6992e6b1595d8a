"""Addresses under ``/desk``."""

from __future__ import annotations

from django.urls import path, register_converter

from desk.analytics import view as analytics
from desk.day_in_path import DayInPath
from desk.views import (
    api_keys,
    bulk,
    by_hand,
    decisions,
    notifications,
    queue,
    reconciliation,
    refund,
    refunds,
    search,
    start,
    stuck,
    submission,
    transactions,
)

app_name = "desk"

register_converter(DayInPath, "day")
_DAY = "/reconciliation/<str:account>/<day:day>"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("/start", start.start, name="start"),
    path("/claim-next", queue.claim_next, name="claim-next"),
    path("/bulk", bulk.bulk, name="bulk"),
    path("/search", search.search, name="search"),
    path("/new", submission.new, name="new"),
    path("/new/quote", submission.quote, name="quote"),
    path("/refunds", refunds.refunds, name="refunds"),
    path("/refunds.csv", refunds.refunds_csv, name="refunds-csv"),
    path("/refunds/<str:number>", refund.refund, name="refund"),
    path("/refunds/<str:number>/pane", refund.pane, name="pane"),
    path("/refunds/<str:number>/progress", refund.show_progress, name="progress"),
    path("/refunds/<str:number>/voucher", refund.voucher, name="voucher"),
    path("/refunds/<str:number>/reveal", refund.reveal_contact, name="reveal"),
    path("/refunds/<str:number>/evidence/<uuid:evidence_id>", refund.evidence, name="evidence"),
    path("/refunds/<str:number>/approve", decisions.approve, name="approve"),
    path("/refunds/<str:number>/reject", decisions.reject, name="reject"),
    path("/refunds/<str:number>/info", decisions.info, name="info"),
    path("/refunds/<str:number>/claim", decisions.claim, name="claim"),
    path("/refunds/<str:number>/release", decisions.release, name="release"),
    path("/refunds/<str:number>/cancel", decisions.cancel, name="cancel"),
    path("/refunds/<str:number>/reassign", decisions.reassign, name="reassign"),
    path("/refunds/<str:number>/retry", decisions.retry, name="retry"),
    path("/refunds/<str:number>/send-elsewhere", stuck.send_elsewhere, name="send-elsewhere"),
    path("/by-hand", by_hand.by_hand, name="by-hand"),
    path("/by-hand/<str:number>", by_hand.pay_by_hand, name="pay-by-hand"),
    path("/by-hand/<str:number>/reveal", by_hand.reveal_payee, name="pay-by-hand-reveal"),
    path("/refunds/<str:number>/resubmit", decisions.resubmit, name="resubmit"),
    path("/refunds/<str:number>/evidence", decisions.add_evidence, name="add-evidence"),
    path("/refunds/<str:number>/note", decisions.note, name="note"),
    path("/transactions", transactions.transactions, name="transactions"),
    path("/transactions/<uuid:transaction_id>", transactions.transaction, name="transaction"),
    path("/analytics", analytics.analytics, name="analytics"),
    path("/analytics.csv", analytics.analytics_csv, name="analytics-csv"),
    path("/reconciliation", reconciliation.reconciliation, name="reconciliation"),
    path("/reconciliation/add", reconciliation.add, name="reconciliation-add"),
    path("/reconciliation/differences/<int:difference_id>/resolve", reconciliation.resolve, name="difference-resolve"),
    path("/reconciliation/differences/<int:difference_id>/assign", reconciliation.assign, name="difference-assign"),
    path("/reconciliation/differences/<int:difference_id>/adopt", reconciliation.adopt, name="difference-adopt"),
    path(_DAY, reconciliation.day, name="reconciliation-day"),
    path(f"{_DAY}.csv", reconciliation.day_csv, name="reconciliation-csv"),
    path(f"{_DAY}/close", reconciliation.close, name="reconciliation-close"),
    path(f"{_DAY}/reopen", reconciliation.reopen, name="reconciliation-reopen"),
    path(f"{_DAY}/download", reconciliation.download, name="reconciliation-download"),
    path(f"{_DAY}/upload", reconciliation.upload, name="reconciliation-upload"),
    path("/api-keys", api_keys.api_keys, name="api-keys"),
    path("/api-keys/<int:key_id>/rotate", api_keys.rotate, name="api-key-rotate"),
    path("/api-keys/<int:key_id>/revoke", api_keys.revoke, name="api-key-revoke"),
    path("/notifications", notifications.notifications, name="notifications"),
    path("/notifications/<int:notification_id>/resend", notifications.resend, name="resend"),
]
