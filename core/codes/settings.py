"""Hours, stores, messages, keys and channel accounts."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
REFUSALS = (
    # hours and grace
    Code("hours_invalid", 422, _("Write hours like 10:00-14:00 17:00-22:00, nothing for a day that is shut. Nothing was saved.")),
    Code("unknown_day_kind", 422, _("Choose what the day is.")),
    Code("day_invalid", 422, _("Choose a day.")),
    Code("grace_invalid", 422, _("Choose an end that is to come, after the beginning, and 1 to 360 hours.")),
    Code("grace_overlaps", 409, _("These stores have more time in those days already. End that first.")),
    Code("grace_over", 409, _("It is over already.")),
    # settings
    Code("verification_waits", 409, _("The trail is being verified already. Look again in a few minutes.")),
    Code("term_invalid", 422, _("Choose from 180 to 3,650 days.")),
    Code("nothing_known", 422, _("No sale and no refund has this phone.")),
    Code("phones_differ", 422, _("The two numbers differ. Nothing was erased.")),
    Code("refunds_under_way", 409, _("A refund is not over yet. Nothing was erased.")),
    Code("invalid_email", 422, _("This is no e-mail address.")),
    Code("wording_too_long", 422, _("The text is too long for this medium.")),
    Code("unknown_placeholder", 422, _("A word in braces is none that the message knows. Take one of those listed.")),
    Code("wording_changed", 409, _("A colleague wrote another version meanwhile. Yours was not stored.")),
    Code("too_many_tests", 409, _("Enough test messages for an hour.")),
    Code("test_not_sent", 409, _("The carrier did not take the message. It can be tried again.")),
    Code("carrier_not_installed", 409, _("The provider's library is an extra that this installation has not.")),
    Code("alerts_not_installed", 409, _("The library for groups is an extra that this installation has not.")),
    Code("alert_not_sent", 409, _("The test did not get there. Look at the address and try it again.")),
    Code("too_many_alert_addresses", 422, _("There are 20 addresses already. Remove one first.")),
    Code("store_code_invalid", 422, _("A store's code has up to 20 letters, digits, - and _.")),
    Code("store_code_taken", 422, _("You have a store of that code already.")),
    Code("store_changed", 409, _("Somebody closed or opened this store meanwhile. Look at it once more.")),
    Code("terminal_code_invalid", 422, _("A till's number has up to 20 letters, digits, - and _.")),
    Code("terminal_code_taken", 422, _("The store has a till of that number already.")),
    # keys and channel accounts
    Code("name_required", 422, _("Give it a name.")),
    Code("unknown_scope", 422, _("Choose at least one permission for the key.")),
    Code("scope_above_own", 403, _("No key does what whoever makes it may not do themselves. Ask an owner for this permission."),
         remedy=_("Leave the permission out, or ask an owner to make the key.")),
    Code("unknown_overlap", 422, _("Choose how long the old key works on. Nothing was changed.")),
    Code("name_not_typed", 422, _("Type the name of the key exactly as it stands above. Nothing was changed.")),
    Code("mandate_invalid", 422, _("Some limits cannot be read. Nothing was changed."),
         remedy=_("`errors` names each limit that cannot be understood.")),
    Code("key_replaced", 409, _("This key was rotated or revoked before. Nothing was changed.")),
    Code("credentials_invalid", 422, _("These credentials cannot be used. Nothing was changed.")),
    Code("profile_invalid", 422, _("One entry cannot be read, or is out of its bounds. Nothing was changed.")),
    Code("account_in_use", 409,
         _("An account takes these payments already. Say that the new one replaces it, or choose a store.")),
    Code("code_not_typed", 422, _("Type the code exactly as it stands above. Nothing was changed.")),
    Code("account_not_in_use", 409, _("This account was put out of use before.")),
    Code("tested_just_now", 409, _("The channel was asked a moment ago. Wait a few seconds.")),
    Code("account_unusable", 422, _("This channel account cannot be used: its credentials or settings are incomplete.")),
)
