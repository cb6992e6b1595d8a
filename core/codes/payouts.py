"""What a person pays, payment files, payouts and messages."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
PROBLEMS = (
    Code("account_incomplete", 422, _("The account of the transfer is incomplete"),
         _("For a transfer, give the account holder, the bank and 8 to 32 digits; for other routes, nothing."),
         _("`payee` has holder, number and bank of the customer's own account; only a bank transfer has one.")),
    Code("payment_incomplete", 422, _("The payout cannot be confirmed like this"),
         _("Look at number, time and drawer: paid after the approval, not in the future, from a till here."),
         _("`errors` names each field. Cash names the till that it came from.")),
    Code("reference_used", 409, _("Another payout has this number"),
         _("Another payout was confirmed with this number. Look at the slip once more."),
         _("One transfer, slip or store credit proves one payout. Nothing was stored.")),
    Code("proof_incomplete", 422, _("The proof from the portal is incomplete"),
         _("Give the channel's number and when the portal says it was paid: after it was sent, not in the future."),
         _("`errors` names each field.")),
    Code("nothing_proposed", 409, _("Nobody has said what the portal shows"),
         _("Nobody has said what the portal shows of this refund, or it has moved on since. Look at it once more."),
         _("Say what the portal shows first, with a picture.")),
)

REFUSALS = (
    # payment files and returned transfers
    Code("nothing_to_export", 409, _("No transfer waits"),
         _("No transfer waits outside a file that you may pay."),
         _("Who asked for a refund or approved it does not pay it.")),
    Code("unknown_payment_file", 422, _("There is no such file"), field="file"),
    Code("result_unreadable", 422, _("The file cannot be read"),
         _("A result is a CSV or XLSX table with the columns 业务参考号 and 处理结果."), field="file"),
    Code("result_gone", 409, _("The file is kept no longer"),
         _("Nothing was recorded. Choose the file once more, and look at what it says."),
         _("Nothing was recorded. A result that was looked at is kept half an hour for whoever brought it."), field="file"),
    Code("unknown_reference", 422, _("No transfer of a file has this reference"), field="reference"),
    Code("amount_differs", 422, _("The bank names another amount"), field="amount"),
    Code("paid_with_another_number", 409, _("It was confirmed with another number")),
    Code("unknown_result", 422, _("The result is neither paid, failed nor returned"), field="result"),
    Code("not_waiting", 409, _("The transfer does not wait for a person")),
    Code("returned_before", 409, _("It came back before and was paid again"),
         _("It came back a second time: write a note for colleagues and ask finance.")),
    Code("account_invalid", 422, _("The bank account is incomplete"),
         _("An account has a holder and 8 to 32 digits."), field="account_no"),
    Code("moment_invalid", 422, _("Give day and time of the payment.")),
    Code("consent_missing", 422, _("Ask the customer first and tick that they agree.")),
    Code("unknown_colleague", 422, _("This colleague cannot take it on.")),
    Code("invalid_period", 422, _("Choose a first day and a last day after it, 400 days at most.")),
    Code("delegation_to_oneself", 422, _("Nobody is their own deputy, or makes themselves one: choose a colleague.")),
    Code("delegation_time", 422, _("It ends after it begins, in the future, and lasts 92 days at most.")),
    Code("delegation_limit", 422, _("The limit is an amount above zero.")),
    Code("delegation_role", 422,
         _("Only somebody whose role decides refunds can decide for another, or be decided for.")),
    Code("delegation_too_much", 422, _("You can give no more than your own role and stores decide.")),
    # payouts and messages
    Code("retry_is_no_use", 409,
         _("The channel would refuse this again. Correct the request and send it in again.")),
    Code("payee_incomplete", 422,
         _("For a customer's card, give the bank, 12 to 19 digits and the card holder's name.")),
    Code("payee_refused", 409,
         _("The channel did not take this account. The refund stays where it was; try another account.")),
    Code("not_given_up", 409, _("This message is on its way or was sent; there is nothing to repeat.")),
    Code("idempotency_key_used", 409, _("This form was sent in before.")),
)
