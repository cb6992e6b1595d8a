"""Reconciliation."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
REFUSALS = (
    Code("day_closed", 409, _("This day is closed. Reopen it with a note first.")),
    Code("day_not_closed", 409, _("This day is open already.")),
    Code("day_unknown", 422, _("Choose one of your accounts and a day that is over.")),
    Code("cannot_close", 409, _("This day cannot be closed yet.")),
    Code("bill_missing", 409, _("There is no statement of this day yet.")),
    Code("differences_open", 409, _("Resolve every difference first.")),
    Code("payouts_pending", 409, _("Payouts of this day are still in flight.")),
    Code("file_missing", 422, _("Choose the statement's file.")),
    Code("bill_unreadable", 422, _("The file is no statement of this channel that we know.")),
    Code("bill_damaged", 422, _("The statement was damaged, cut short or edited.")),
    Code("bill_empty", 422, _("The file is empty.")),
    Code("bill_of_another_day", 422, _("Most refunds in this statement belong to other days.")),
    Code("bill_of_another_channel", 422, _("This is another channel's statement.")),
    Code("bill_of_another_account", 422, _("This is another account's statement.")),
    Code("bill_of_another_kind", 422, _("This is a statement of another kind.")),
    Code("bill_of_consumer", 422, _("This is a consumer's own list of payments.")),
    Code("bill_of_acquirer", 422, _("This is an acquirer's own list, not the channel's statement.")),
    Code("bill_resaved", 422, _("This file was saved again by a spreadsheet.")),
    Code("bill_web_page", 422, _("This is a web page, not a statement.")),
    Code("bill_workbook", 422, _("This kind of workbook is not read.")),
    Code("bill_document", 422, _("This is a document or a picture, not a table.")),
    Code("bill_locked", 422, _("The file is locked by a password.")),
    Code("bill_archive", 422, _("This kind of archive is not read.")),
    Code("bill_zip", 422, _("The zip does not hold exactly one statement.")),
    Code("bill_lacks_columns", 422, _("The statement lacks columns.")),
    Code("bill_does_not_add_up", 422, _("The statement does not add up.")),
    Code("funds_before_statement", 422, _("The statement of this day is to be taken in before its fund flow.")),
    Code("bill_unavailable", 422, _("The channel does not give this statement now. Try again later.")),
    Code("STATEMENT_CREATING", 422, _("The channel is still making this statement. It is asked again by itself.")),
    Code("NO_STATEMENT_EXIST", 422, _("The channel has no statement of this day.")),
    Code("already_resolved", 409, _("Somebody resolved this difference meanwhile.")),
    Code("unknown_resolution", 422, _("Choose what became of the difference.")),
    Code("unknown_assignee", 422, _("Give it to somebody in finance, a manager or an owner.")),
    Code("cannot_adopt", 409, _("This difference cannot be adopted.")),
    Code("adopt_known", 409, _("We have a refund with this number and call it failed. Look into that refund instead.")),
    Code("adopt_repeated", 409, _("The same refund stands in the statement more than once.")),
    Code("adopt_no_sale", 409, _("We do not know the sale that this refund belongs to.")),
    Code("adopt_in_books", 409, _("It is in the books already, as part of a sum that the channel named.")),
    Code("adopt_not_paid", 409, _("The channel had not paid it yet when the statement was made.")),
    Code("invariants_running", 409, _("The invariants are being checked right now. Wait until that run ends.")),
)
