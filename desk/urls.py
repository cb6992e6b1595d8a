"""Addresses under ``/desk``."""

from django.urls import path, register_converter

from desk import start
from desk.account import view as account
from desk.alerts import view as alerts
from desk.analytics import view as analytics
from desk.api_keys import view as api_keys
from desk.at_till import view as at_till
from desk.audit import view as audit
from desk.batches import view as batches
from desk.bulk import view as bulk
from desk.by_hand import view as by_hand
from desk.carriers import view as carriers
from desk.channel_accounts import view as channel_accounts
from desk.day_in_path import DayInPath
from desk.deputies import view as deputies
from desk.developers import view as developers
from desk.exports import view as exports
from desk.hours import view as hours
from desk.imports import view as imports
from desk.incidents import view as incidents
from desk.inspection import view as inspection
from desk.list_views import view as list_views
from desk.mandate import view as mandate
from desk.message_templates import view as message_templates
from desk.new import view as new
from desk.no_receipt import view as no_receipt
from desk.notifications import view as notifications
from desk.pay_by_hand import view as pay_by_hand
from desk.personal_data import view as personal_data
from desk.policy import view as policy
from desk.policy_draft import view as policy_draft
from desk.policy_proof import view as policy_proof
from desk.policy_version import view as policy_version
from desk.portal import view as portal
from desk.queue import view as queue
from desk.reconciliation import view as reconciliation
from desk.refund import decisions, goods_acts
from desk.refund import view as refund
from desk.refunds import view as refunds
from desk.reports import view as reports
from desk.return_slip import view as return_slip
from desk.second_look import view as second_look
from desk.settings import view as settings
from desk.shifts import view as shifts
from desk.staff_notices import view as staff_notices
from desk.stores import view as stores
from desk.stuck import view as stuck
from desk.team import view as team
from desk.team_work import view as team_work
from desk.terminals import view as terminals
from desk.transaction import view as transaction
from desk.transactions import view as transactions
from desk.transfers import view as transfers
from desk.voucher import view as voucher
from desk.webhooks import view as webhooks

app_name = "desk"

register_converter(DayInPath, "day")
_WORDING = "<str:event>/<str:medium>/<str:language>"
_DAY = "/reconciliation/<str:account>/<day:day>"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("/start", start.start, name="start"),
    path("/claim-next", queue.claim_next, name="claim-next"),
    path("/bulk", bulk.bulk, name="bulk"),
    path("/batches", batches.batches, name="batches"),
    path("/batches/<int:batch_id>", batches.batch, name="batch"),
    path("/batches/<int:batch_id>/confirm", batches.confirm, name="batch-confirm"),
    path("/batches/<int:batch_id>/cancel", batches.cancel, name="batch-cancel"),
    path("/imports", imports.imports, name="imports"),
    path("/imports/add", imports.add, name="import-add"),
    path("/imports/<int:batch_id>", imports.columns, name="import"),
    path("/imports/<int:batch_id>/columns", imports.name_columns, name="import-columns"),
    path("/imports/<int:batch_id>/failed", imports.failed, name="import-failed"),
    path("/exports", exports.exports, name="exports"),
    path("/exports/ask", exports.ask, name="exports-ask"),
    path("/exports/<int:export_id>", exports.file, name="export-file"),
    path("/exports/<int:export_id>/cancel", exports.cancel, name="export-cancel"),
    path("/views", list_views.save, name="view-save"),
    path("/views/<int:view_id>/remove", list_views.remove, name="view-remove"),
    path("/search", transactions.search, name="search"),
    path("/new", new.new, name="new"),
    path("/new/scan", new.scan, name="new-scan"),
    path("/new/quote", new.quote, name="quote"),
    path("/refunds", refunds.refunds, name="refunds"),
    path("/refunds.csv", refunds.refunds_csv, name="refunds-csv"),
    path("/refunds/<str:number>", refund.refund, name="refund"),
    path("/refunds/<str:number>/pane", queue.pane, name="pane"),
    path("/refunds/<str:number>/progress", refund.show_progress, name="progress"),
    path("/refunds/<str:number>/voucher", voucher.voucher, name="voucher"),
    path("/refunds/<str:number>/reveal", refund.reveal_contact, name="reveal"),
    path("/refunds/<str:number>/evidence/<uuid:evidence_id>", refund.evidence, name="evidence"),
    path("/refunds/<str:number>/approve", decisions.approve, name="approve"),
    path("/refunds/<str:number>/reject", decisions.reject, name="reject"),
    path("/refunds/<str:number>/look", refund.look, name="look"),
    path("/refunds/<str:number>/undo", decisions.undo, name="undo"),
    path("/refunds/<str:number>/info", decisions.info, name="info"),
    path("/refunds/<str:number>/extend", decisions.extend, name="extend"),
    path("/refunds/<str:number>/agree", decisions.agree, name="agree"),
    path("/refunds/<str:number>/reopen", decisions.reopen, name="reopen"),
    path("/refunds/<str:number>/compensation", decisions.compensation, name="compensation"),
    path("/refunds/<str:number>/claim", decisions.claim, name="claim"),
    path("/refunds/<str:number>/release", decisions.release, name="release"),
    path("/refunds/<str:number>/cancel", decisions.cancel, name="cancel"),
    path("/refunds/<str:number>/reassign", decisions.reassign, name="reassign"),
    path("/refunds/<str:number>/retry", decisions.retry, name="retry"),
    path("/refunds/<str:number>/give-up-leg", decisions.give_up_leg, name="give-up-leg"),
    path("/refunds/<str:number>/move-leg", decisions.move_leg, name="move-leg"),
    path("/refunds/<str:number>/adopt", decisions.adopt, name="adopt"),
    path("/refunds/<str:number>/send-elsewhere", stuck.send_elsewhere, name="send-elsewhere"),
    path("/refunds/<str:number>/end-unknown", portal.say, name="end-unknown"),
    path("/refunds/<str:number>/end-unknown/confirm", portal.confirm, name="end-unknown-confirm"),
    path("/refunds/<str:number>/ask-goods", goods_acts.ask_goods, name="ask-goods"),
    path("/refunds/<str:number>/call-off", goods_acts.call_off_goods, name="call-off"),
    path("/refunds/<str:number>/send-goods", goods_acts.send_goods, name="send-goods"),
    path("/refunds/<str:number>/receive-goods", goods_acts.receive_goods, name="receive-goods"),
    path("/refunds/<str:number>/inspect", inspection.inspect, name="inspect"),
    path("/refunds/<str:number>/return-slip", return_slip.return_slip, name="return-slip"),
    path("/refunds/<str:number>/offer", goods_acts.offer, name="offer"),
    path("/refunds/<str:number>/answer-offer", goods_acts.answer_offer, name="answer-offer"),
    path("/refunds/<str:number>/name-order", goods_acts.name_new_order, name="name-order"),
    path("/second-looks", second_look.second_looks, name="second-looks"),
    path("/second-looks/<int:look_id>", second_look.answer, name="second-look"),
    path("/second-looks/<int:look_id>/evidence/<uuid:evidence_id>", second_look.evidence, name="second-look-evidence"),
    path("/notices", staff_notices.staff_notices, name="staff-notices"),
    path("/notices/bell", staff_notices.bell, name="bell"),
    path("/notices/read", staff_notices.read_all, name="staff-notices-read"),
    path("/notices/<int:notice_id>", staff_notices.read, name="staff-notice"),
    path("/by-hand", by_hand.by_hand, name="by-hand"),
    path("/transfers", transfers.transfers, name="transfers"),
    path("/transfers/export", transfers.export, name="transfers-export"),
    path("/transfers/files/<int:file_id>", transfers.file, name="transfers-file"),
    path("/transfers/result", transfers.result, name="transfers-result"),
    path("/transfers/returned", transfers.note_return, name="transfer-returned"),
    path("/transfers/returned/<str:number>", transfers.pay_again, name="transfer-repaid"),
    path("/by-hand/<str:number>", pay_by_hand.pay_by_hand, name="pay-by-hand"),
    path("/by-hand/<str:number>/reveal", pay_by_hand.reveal_payee, name="pay-by-hand-reveal"),
    path("/refunds/<str:number>/resubmit", decisions.resubmit, name="resubmit"),
    path("/refunds/<str:number>/evidence", decisions.add_evidence, name="add-evidence"),
    path("/refunds/<str:number>/note", decisions.note, name="note"),
    path("/transactions", transactions.transactions, name="transactions"),
    path("/transactions/<uuid:transaction_id>", transaction.transaction, name="transaction"),
    path("/transactions/<uuid:transaction_id>/end-hold", transaction.end_hold, name="end-hold"),
    path("/transactions/<uuid:transaction_id>/ask", transaction.ask, name="ask-channel"),
    path("/transactions/<uuid:transaction_id>/adopt", transaction.adopt, name="adopt-of-sale"),
    path("/transactions/<uuid:transaction_id>/terms", transaction.terms, name="deposit-document"),
    path("/transactions/<uuid:transaction_id>/correct", transaction.correct, name="correct-sale"),
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
    path("/no-receipt", no_receipt.cases, name="no-receipt"),
    path("/no-receipt/<int:case_id>", no_receipt.case, name="no-receipt-case"),
    path("/no-receipt/<int:case_id>/confirm", no_receipt.confirm, name="no-receipt-confirm"),
    path("/no-receipt/<int:case_id>/ask", no_receipt.ask_channel, name="no-receipt-ask"),
    path("/no-receipt/<int:case_id>/reprint", no_receipt.reprint, name="no-receipt-reprint"),
    path("/no-receipt/<int:case_id>/refund", no_receipt.refund, name="no-receipt-refund"),
    path("/no-receipt/<int:case_id>/close", no_receipt.close, name="no-receipt-close"),
    path("/incidents", incidents.incidents, name="incidents"),
    path("/incidents/<int:incident_id>", incidents.incident, name="incident"),
    path("/incidents/<int:incident_id>/ticket", incidents.ticket, name="incident-ticket"),
    path("/incidents/<int:incident_id>/answer", incidents.answer, name="incident-answer"),
    path("/incidents/<int:incident_id>/apologise", incidents.apologise, name="incident-apologise"),
    path("/incidents/<int:incident_id>/close", incidents.close, name="incident-close"),
    path("/tasks", reports.customer_reports, name="customer-reports"),
    path("/tasks/new", reports.note_task, name="task-new"),
    path("/tasks/<int:report_id>/hand-over", reports.hand_over, name="task-hand-over"),
    path("/tasks/<int:report_id>/take", reports.take, name="customer-report-take"),
    path("/tasks/<int:report_id>/close", reports.close, name="customer-report-close"),
    path("/team", team.team, name="team"),
    path("/team/work", team_work.team_work, name="team-work"),
    path("/presence", team_work.be_here, name="presence"),
    path("/team/second-factor", team.require_second_factor, name="team-second-factor"),
    path("/team/passkeys", team.require_passkeys, name="team-passkeys"),
    path("/team/resets", team.ask_reset, name="team-reset"),
    path("/team/resets/<int:reset_id>/confirm", team.confirm_reset, name="team-reset-confirm"),
    path("/team/resets/<int:reset_id>/withdraw", team.withdraw_reset, name="team-reset-withdraw"),
    path("/team/<int:staff_id>", team.member, name="team-member"),
    path("/team/<int:staff_id>/invite", team.invite_again, name="team-invite"),
    path("/team/<int:staff_id>/switch", team.switch, name="team-switch"),
    path("/account", account.account, name="account"),
    path("/account/password", account.password, name="account-password"),
    path("/account/language", account.language, name="account-language"),
    path("/account/sessions/end", account.end_others, name="account-sessions-end"),
    path("/account/sessions/<int:session_id>/end", account.end_session, name="account-session-end"),
    path("/account/second-factor", account.add_factor, name="account-factor"),
    path("/account/second-factor/<int:factor_id>/remove", account.remove_factor, name="account-factor-remove"),
    path("/account/recovery-codes", account.recovery_codes, name="account-codes"),
    path("/shifts", shifts.shifts, name="shifts"),
    path("/shifts/<int:shift_id>", shifts.shift, name="shift"),
    path("/at-till/<str:token>", at_till.at_till, name="at-till"),
    path("/deputies", deputies.deputies, name="deputies"),
    path("/deputies/<int:delegation_id>/revoke", deputies.revoke, name="deputy-revoke"),
    path("/api-keys", api_keys.api_keys, name="api-keys"),
    path("/api-keys/<int:key_id>/rotate", api_keys.rotate, name="api-key-rotate"),
    path("/api-keys/<int:key_id>/revoke", api_keys.revoke, name="api-key-revoke"),
    path("/api-keys/<int:key_id>/mandate", mandate.mandate, name="api-key-mandate"),
    path("/api-keys/<int:key_id>/stop", mandate.stop, name="api-key-stop"),
    path("/api-keys/stops", mandate.stops, name="api-key-stops"),
    path("/developers", developers.developers, name="developers"),
    path("/developers/clock", developers.move_clock, name="sandbox-clock"),
    path("/developers/test-keys/<int:key_id>/revoke", developers.revoke_test_key, name="test-key-revoke"),
    path("/developers/webhooks", webhooks.webhooks, name="webhooks"),
    path("/developers/webhooks/<int:endpoint_id>", webhooks.webhook, name="webhook"),
    path("/developers/webhooks/<int:endpoint_id>/<str:name>", webhooks.act, name="webhook-act"),
    path(
        "/developers/webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>/replay",
        webhooks.replay,
        name="webhook-replay",
    ),
    path("/hours", hours.hours, name="hours"),
    path("/hours/stores/<str:code>", hours.set_store, name="hours-store"),
    path("/hours/days", hours.set_day, name="hours-day"),
    path("/hours/grace", hours.declare, name="grace"),
    path("/hours/grace/<int:grace_id>/end", hours.end, name="grace-end"),
    path("/policy", policy.policy, name="policy"),
    path("/policy/reviewed", policy.reviewed, name="policy-reviewed"),
    path("/policy/rule-changes", policy.add_rule_change, name="rule-change-add"),
    path("/policy/rule-changes/<int:change_id>/seen", policy.seen_rule_change, name="rule-change-seen"),
    path("/policy/versions/<int:number>", policy_version.policy_version, name="policy-version"),
    path("/policy/drafts", policy.start_draft, name="policy-draft-start"),
    path("/policy/drafts/<int:draft_id>", policy_draft.policy_draft, name="policy-draft"),
    path("/policy/drafts/<int:draft_id>/proof", policy_proof.policy_proof, name="policy-proof"),
    path("/policy/drafts/<int:draft_id>/proof/repair", policy_proof.repair, name="policy-proof-repair"),
    path("/policy/drafts/<int:draft_id>/trials", policy_proof.start_trial, name="policy-trial-start"),
    path(
        "/policy/drafts/<int:draft_id>/trials/<int:trial_id>/cancel",
        policy_proof.cancel_trial,
        name="policy-trial-cancel",
    ),
    path("/policy/drafts/<int:draft_id>/shadows", policy_proof.start_shadow, name="policy-shadow-start"),
    path(
        "/policy/drafts/<int:draft_id>/shadows/<int:shadow_id>/stop",
        policy_proof.stop_shadow,
        name="policy-shadow-stop",
    ),
    path("/policy/drafts/<int:draft_id>/ask", policy_draft.ask, name="policy-draft-ask"),
    path("/policy/drafts/<int:draft_id>/publish", policy_draft.publish, name="policy-draft-publish"),
    path("/policy/drafts/<int:draft_id>/discard", policy_draft.discard, name="policy-draft-discard"),
    path("/policy/drafts/<int:draft_id>/catch-up", policy_draft.catch_up, name="policy-draft-catch-up"),
    path("/audit", audit.audit, name="audit"),
    path("/audit.csv", audit.audit_csv, name="audit-csv"),
    path("/audit/chain.jsonl", audit.chain, name="audit-chain"),
    path("/audit/checkpoint.json", audit.checkpoint, name="audit-checkpoint"),
    path("/audit/holder", audit.holder, name="audit-holder"),
    path("/audit/verify", audit.verify, name="audit-verify"),
    path("/audit/verify-whole", audit.verify_whole, name="audit-verify-whole"),
    path("/settings", settings.settings, name="settings"),
    path("/settings/channel-accounts", channel_accounts.accounts, name="channel-accounts"),
    path("/settings/channel-accounts/new/<str:channel>", channel_accounts.open_account, name="channel-account-open"),
    path("/settings/channel-accounts/<str:code>", channel_accounts.account, name="channel-account"),
    path("/settings/channel-accounts/<str:code>/credentials", channel_accounts.rotate, name="channel-account-rotate"),
    path("/settings/channel-accounts/<str:code>/test", channel_accounts.try_it, name="channel-account-test"),
    path("/settings/channel-accounts/<str:code>/close", channel_accounts.close, name="channel-account-close"),
    path("/settings/carriers", carriers.carriers, name="carriers"),
    path("/settings/carriers/<str:kind>", carriers.carrier, name="carrier"),
    path("/settings/carriers/<str:kind>/template", carriers.template, name="carrier-template"),
    path("/settings/carriers/<str:kind>/test", carriers.send_test, name="carrier-test"),
    path("/settings/carriers/<str:kind>/remove", carriers.remove, name="carrier-remove"),
    path("/settings/alerts", alerts.alerts, name="alerts"),
    path("/settings/alerts/<int:address_id>", alerts.address, name="alert-address"),
    path("/settings/alerts/<int:address_id>/test", alerts.send_test, name="alert-address-test"),
    path("/settings/alerts/<int:address_id>/remove", alerts.remove, name="alert-address-remove"),
    path("/settings/messages", message_templates.wordings, name="messages"),
    path(f"/settings/messages/{_WORDING}", message_templates.wording, name="message"),
    path(f"/settings/messages/{_WORDING}/preview", message_templates.preview, name="message-preview"),
    path(f"/settings/messages/{_WORDING}/test", message_templates.send_test, name="message-test"),
    path("/settings/personal-data", personal_data.personal_data, name="personal-data"),
    path("/settings/personal-data/erase", personal_data.erase, name="personal-data-erase"),
    path("/settings/stores", stores.stores, name="stores"),
    path("/settings/stores/<str:code>", stores.store, name="store"),
    path("/settings/stores/<str:code>/close", stores.close, name="store-close"),
    path("/settings/stores/<str:code>/reopen", stores.reopen, name="store-reopen"),
    path("/settings/terminals", terminals.terminals, name="terminals"),
    path("/settings/terminals/newest", terminals.newest, name="terminals-newest"),
    path("/settings/terminals/<int:terminal_id>", terminals.terminal, name="terminal"),
    path("/settings/terminals/<int:terminal_id>/refunds", terminals.refunds, name="terminal-refunds"),
    path("/notifications", notifications.notifications, name="notifications"),
    path("/notifications/<int:notification_id>/resend", notifications.resend, name="resend"),
]
