"""Paths below /api/v1, fixed by api.md."""

from __future__ import annotations

from django.urls import path

from api import (
    analytics,
    decisions,
    evidence,
    no_receipt,
    payouts,
    policy,
    policy_drafts,
    policy_trials,
    reconciliation,
    refund_requests,
    transactions,
)

_DRAFT = "policy/drafts/<int:draft_id>"
_REQUEST = "refund-requests/<uuid:request_id>"
_CASE = "no-receipt-cases/<int:case_id>"
_LEG = f"{_REQUEST}/legs/<int:sequence>"

urlpatterns = [
    path("transactions", transactions.Transactions.as_view()),
    path("transactions/<uuid:transaction_id>", transactions.TransactionDetail.as_view()),
    path("transactions/<uuid:transaction_id>/deposit", transactions.TransactionDeposit.as_view()),
    path("transactions/<uuid:transaction_id>/deposit/document", transactions.DepositDocument.as_view()),
    path("transactions/<uuid:transaction_id>/end-hold", transactions.TransactionEndHold.as_view()),
    path("transactions/<uuid:transaction_id>/trade-queries", transactions.TradeQueries.as_view()),
    path("transactions/<uuid:transaction_id>/corrections", transactions.TransactionCorrections.as_view()),
    path("orders/<str:order_no>", transactions.OrderDetail.as_view()),
    path("refund-quotes", refund_requests.Quotes.as_view()),
    path("evidence", evidence.SendEvidenceAhead.as_view()),
    path("refund-requests", refund_requests.RefundRequests.as_view()),
    path(_REQUEST, refund_requests.RefundRequestDetail.as_view()),
    path(f"{_REQUEST}/events", refund_requests.RefundRequestEvents.as_view()),
    path(f"{_REQUEST}/evidence", evidence.AddEvidence.as_view()),
    path(f"{_REQUEST}/cancel", refund_requests.CancelRefundRequest.as_view()),
    path(f"{_REQUEST}/resubmit", refund_requests.ResubmitRefundRequest.as_view()),
    path(f"{_REQUEST}/claim", decisions.Claim.as_view()),
    path(f"{_REQUEST}/release", decisions.Release.as_view()),
    path(f"{_REQUEST}/approve", decisions.Approve.as_view()),
    path(f"{_REQUEST}/reject", decisions.Reject.as_view()),
    path(f"{_REQUEST}/request-info", decisions.RequestInfo.as_view()),
    path(f"{_REQUEST}/extend", decisions.Extend.as_view()),
    path(f"{_REQUEST}/agreements", decisions.Agree.as_view()),
    path(f"{_REQUEST}/reopen", decisions.Reopen.as_view()),
    path(f"{_REQUEST}/compensation", refund_requests.AskForCompensation.as_view()),
    path(f"{_REQUEST}/confirm-payout", payouts.ConfirmPayout.as_view()),
    path(f"{_REQUEST}/payout-failed", payouts.PayoutFailed.as_view()),
    path(f"{_REQUEST}/portal-findings", payouts.ProposeEnd.as_view()),
    path(f"{_REQUEST}/confirm-portal-finding", payouts.ConfirmEnd.as_view()),
    path(f"{_LEG}/retry", payouts.RetryLeg.as_view()),
    path(f"{_LEG}/move", payouts.MoveLeg.as_view()),
    path(f"{_LEG}/give-up", payouts.GiveUpLeg.as_view()),
    path("no-receipt-cases", no_receipt.Cases.as_view()),
    path("no-receipt-cases/chronic", no_receipt.ChronicCases.as_view()),
    path(_CASE, no_receipt.CaseDetail.as_view()),
    path(f"{_CASE}/confirm", no_receipt.Confirm.as_view()),
    path(f"{_CASE}/reprint", no_receipt.Reprint.as_view()),
    path(f"{_CASE}/refund", no_receipt.RefundWithoutSale.as_view()),
    path(f"{_CASE}/close", no_receipt.Close.as_view()),
    path("analytics/summary", analytics.AnalyticsSummary.as_view()),
    path("reconciliations", reconciliation.Reconciliations.as_view()),
    path("policy", policy.PolicyInForce.as_view()),
    path("policy/versions", policy.PolicyVersions.as_view()),
    path("policy/versions/<int:number>", policy.PolicyVersionDetail.as_view()),
    path("policy/drafts", policy_drafts.PolicyDrafts.as_view()),
    path(_DRAFT, policy_drafts.PolicyDraftDetail.as_view()),
    path(f"{_DRAFT}/proof", policy_trials.PolicyDraftProof.as_view()),
    path(f"{_DRAFT}/trials", policy_trials.PolicyTrials.as_view()),
    path(f"{_DRAFT}/shadows", policy_trials.PolicyShadows.as_view()),
    path("policy/trials/<int:trial_id>", policy_trials.PolicyTrialDetail.as_view()),
    path("policy/trials/<int:trial_id>/cancel", policy_trials.CancelPolicyTrial.as_view()),
    path("policy/shadows/<int:shadow_id>/stop", policy_trials.StopPolicyShadow.as_view()),
    path(f"{_DRAFT}/ask", policy_drafts.AskToPublish.as_view()),
    path(f"{_DRAFT}/publish", policy_drafts.PublishDraft.as_view()),
    path(f"{_DRAFT}/discard", policy_drafts.DiscardDraft.as_view()),
    path(f"{_DRAFT}/catch-up", policy_drafts.CatchUp.as_view()),
]
