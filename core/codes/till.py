"""At a till: decisions and shifts."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
PROBLEMS = (
    Code("till_code_expired", 409, _("The till's code has expired"),
         _("The till's code has expired: let the till show a new one."), _("Show a new code.")),
    Code("till_code_used", 409, _("The till's code was used"),
         _("Somebody has scanned this code before: let the till show a new one."), _("Show a new code.")),
    Code("till_code_changed", 409, _("The refund has changed since the till showed it"),
         _("The refund has changed since the till showed it. Look at it at the till again, and show a new code."),
         _("Read the request again and show a new code with its `version` and amount.")),
    Code("till_takes_no_refunds", 409, _("This till takes no refunds"),
         _("This till takes no refunds at the moment."), _("Switch its return function on, or use another till.")),
    Code("shift_not_open", 409, _("No shift is open"), _("No shift is open at this till, or it was closed meanwhile."),
         _("Open one first; a closed shift stays closed.")),
    Code("shift_is_open", 409, _("A shift is open at this till"), _("Close the open shift of this till first."),
         _("`shift` is its number: go on with it, or close it.")),
    Code("cash_refunds_open", 409, _("Cash refunds are open"),
         _("Cash refunds of this till are not paid yet. Pay them, or say that they are not paid, and close the shift then."),
         _("`numbers` names them.")),
    Code("unknown_not_handed_over", 422, _("Payouts without a result are not handed over"),
         _("Some payouts of this shift have no result yet: name who looks after them."),
         _("`numbers` names them; send `handed_to`."), field="handed_to"),
    Code("count_differs", 422, _("The cash differs from what is expected"),
         _("The cash is not what it should be: count again, or say why."), _("Send `note`."), field="note"),
)
