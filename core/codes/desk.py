"""What any page of the desk may say."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
REFUSALS = (
    Code("refused", 422, _("This cannot be done. Nothing was changed.")),
    Code("form_incomplete", 422, _("The form was incomplete. Load the page again.")),
    Code("saved_view_invalid", 422, _("Give the view a name; at most 20 are kept for a list.")),
    Code("exports_running", 422, _("Three files are being made already. Wait for one, or cancel it.")),
    Code("since_required", 422, _("Say since when.")),
    Code("not_confirmed", 422, _("Tick that you have compared it. Nothing was done.")),
    Code("confirmation_stale", 422,
         _("Something changed, or the page is too old. Look at it once more; nothing was recorded.")),
    Code("nothing_chosen", 422, _("Choose at least one refund.")),
    Code("too_many_rows", 422,
         _("These are more than 100,000 refunds. Narrow the list by days or filters, then export it.")),
    Code("amount_invalid", 422, _("Write the amount in yuan with at most two decimals, for example 268.00.")),
    Code("amount_comma", 422,
         _("A comma only groups thousands, as in 1,234.00: write decimals behind a point, for example 268.50.")),
    Code("amount_exponent", 422, _("Write the amount in digits: 100.00 and not 1e2.")),
    Code("amount_finer", 422, _("An amount has at most two decimals: nothing is finer than a fen.")),
    Code("amount_too_large", 422, _("This amount is too large to be one. Write it in yuan, for example 268.00.")),
    Code("finding_missing", 422, _("Say what the portal shows: that it is paid, or that there is no such refund.")),
    Code("card_end_invalid", 422, _("Give the last four digits of the card, or nothing.")),
)
# fmt: on
