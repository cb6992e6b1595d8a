"""The team, one's own account, signing in, and the customer's pages."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
REFUSALS = (
    # the team, and one's own account
    Code("login_invalid", 422, _("A login has letters a to z, digits, dots and dashes, 31 at most.")),
    Code("login_taken", 422, _("Choose another login: this one cannot be given.")),
    Code("unknown_role", 422, _("Choose one of the roles.")),
    Code("stores_or_all", 422, _("Say all stores, or name some: not both.")),
    Code("limit_invalid", 422, _("A limit is an amount above zero.")),
    Code("till_codes_invalid", 422, _("At most 20 codes of 40 characters, separated by commas.")),
    Code("till_code_taken", 422, _("One of these codes is a colleague's: what is rung up under it would be theirs.")),
    Code("own_account", 403, _("Nobody does this to their own account. Ask a colleague.")),
    Code("not_invited", 409, _("This person does not wait for an invitation, or never used theirs.")),
    Code("account_off", 409, _("This account is switched off.")),
    Code("reset_kind", 422, _("Choose what is to be reset.")),
    Code("reset_gone", (404, 409), _("It was confirmed, withdrawn or is too old: there is nothing to do.")),
    Code("reset_by_another", 403, _("Another person confirms what you asked for.")),
    Code("owner_needed", 403, _("An owner's way in is reset by two of whom one is an owner.")),
    Code("invitation_gone", 404, _("This link does not work, or no longer. Ask whoever sent it for a new one.")),
    Code("person_name_missing", 422, _("Please say your name.")),
    Code("password_weak", 422, _("This password is too easy to guess.")),
    Code("password_wrong", 422, _("Your password is wrong.")),
    Code("mail_invalid", 422, _("This is no mail address.")),
    Code("passwords_differ", 422, _("The two passwords are not the same.")),
    Code("unknown_language", 422, _("Choose one of the languages.")),
    Code("second_factor_wrong", 422, _("This code or key is wrong, or was used before. Try the next one.")),
    Code("second_factor_there", 409, _("There is one already: remove it first.")),
    Code("second_factor_required", 409, _("Your role needs a second factor: add another one before you remove this.")),
    Code("passkey_first", 409, _("Add a passkey to your own account first: otherwise nobody could sign.")),
    Code("not_vouched", 409,
         _("What would be paid is not what was approved. Nothing is paid; whoever runs RefundDesk has to look.")),
    Code("second_factor_none", 409, _("Add an app or a passkey first.")),
    # signing in, and the customer's link
    Code("invalid_login", 200, _("User name or password is wrong.")),
    Code("too_many_guesses", 429, _("There were too many tries. This one was not looked at.")),
    Code("link_expired", 410,
         _("Links are good for a limited time. Ask the store for a new one; have your refund number or receipt at hand.")),
    Code("too_many_at_once", 422, _("Please send at most 6 pictures at once. Nothing was sent.")),
    Code("nothing_sent", 422, _("Please choose at least one picture.")),
    Code("empty_answer", 422, _("Please write an answer or add a picture.")),
    Code("score_out_of_range", 422, _("Please choose one to five stars.")),
    Code("not_paid_yet", 409, _("The refund is not paid yet: nothing can have arrived.")),
    Code("appealed_before", 409, _("You have appealed before. For more, please call the store.")),
    Code("no_such_sale", 422, _("No sale fits all of it."),
         _("We find no single purchase that fits all of this. Look at the receipt, or ask at the store.")),
    Code("phone_needed", 422, _("Give a mobile phone that can get a text message.")),
    Code("code_wrong", 422, _("That is not the code."),
         _("That is not the code, or it is older than ten minutes. After five tries ask for a new one.")),
    Code("code_not_sent", 409, _("The code could not be sent."), _("The code could not be sent. Try again in a moment.")),
    Code("too_many_codes", 429, _("Too many codes were sent."), _("Too many codes were sent. Please wait a while.")),
    Code("being_taken_in", 409, _("Your form is being taken in; look again in a moment.")),
    Code("consent_needed", 422, _("Please agree to the refund as it stands here.")),
    Code("report_closed", 409, _("Somebody has closed this case.")),
    Code("already_rated", 409, _("This refund was rated before.")),
    Code("unknown_kind", 422, _("Choose what the picture shows.")),
)
# fmt: on
