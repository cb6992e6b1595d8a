"""What the page of personal data shows."""

from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from desk.forms import text
from desk.settings.layout import Cell, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_day
from refunds.follow_up.erasing import LEAST_DAYS, MOST_DAYS, USUAL_DAYS
from refunds.models.idempotency import KEPT


def personal_data_page(*, scope: Scope) -> SettingsPage:
    merchant = scope.staff.merchant
    term = gettext("%(days)s days") % {"days": merchant.retention_days}
    stays = gettext("stays")
    kept = [
        (
            gettext("Names, phones and e-mail addresses of customers, their words, pictures and papers"),
            gettext("from the day a refund was asked for, once it is over"),
            term,
        ),
        (gettext("Accounts of transfers"), gettext("from the day a refund was asked for, once it is over"), term),
        (gettext("Phones and card ends of payers"), gettext("from the day of payment"), term),
        (gettext("Recipients of messages"), gettext("with the refund that they are about"), term),
        (
            gettext("Answers that are given again to the same call"),
            gettext("from the call"),
            gettext("%(hours)s hours") % {"hours": int(KEPT.total_seconds() // 3600)},
        ),
        (
            gettext("Amounts, numbers, the ledger, statements and the channels' proofs"),
            gettext("records of account; they name nobody"),
            stays,
        ),
        (
            gettext("The audit trail"),
            gettext("it holds no personal data; write none into notes"),
            stays,
        ),
    ]
    until = merchant.erased_until
    table = Table(
        title=gettext("What is kept how long"),
        columns=[gettext("Kind of data"), gettext("Kept for")],
        rows=[Row(cells=[Cell(text=what, sub=[since]), Cell(text=how_long)]) for what, since, how_long in kept],
        icon="hourglass",
    )
    return SettingsPage(
        title=gettext("Personal data"),
        sub=gettext("Erased up to %(day)s. It is looked at every night.") % {"day": when_day(until)}
        if until
        else gettext("Nothing is old enough to be erased yet. It is looked at every night."),
        crumbs=[settings_crumb()],
        tables=[table],
        forms=[
            form(
                "term",
                title=gettext("How long it is kept"),
                url=reverse("desk:personal-data"),
                button=gettext("Save the term"),
                fields=[text("days", gettext("Days kept"), str(merchant.retention_days), kind="number", required=True)],
                note=gettext(
                    "From %(least)s to %(most)s. The E-Commerce Law (article 31) asks for three years (%(usual)s days) of"
                    " records of a sale."
                )
                % {"least": LEAST_DAYS, "most": MOST_DAYS, "usual": USUAL_DAYS},
            ),
            form(
                "erase",
                title=gettext("Erase what a person asks for"),
                url=reverse("desk:personal-data-erase"),
                button=gettext("Erase for ever"),
                fields=[
                    text("phone", gettext("Their phone"), required=True),
                    text("again", gettext("Their phone once more"), required=True),
                    text("reason", gettext("Who asked, and when"), required=True, hint=gettext("Kept; no names")),
                ],
                note=gettext(
                    "All sales and refunds of this phone lose name, contact, account, pictures and words. Amounts, figures and"
                    " the audit trail stay. This cannot be taken back."
                ),
                tone="danger",
            ),
        ],
    )
