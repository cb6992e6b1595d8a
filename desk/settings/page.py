"""What the page of all settings shows."""

from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from desk.settings.layout import Cell, Row, SettingsPage, Table
from merchants.rights import Act


def settings_rows(*, scope: Scope) -> list[Row]:
    """The pages that this person may open, with what each is for."""
    there = [
        (Act.MANAGE_STORES, "stores", gettext("Stores"), gettext("Names, phones and addresses; opened and closed")),
        (Act.MANAGE_TILLS, "terminals", gettext("Tills"), gettext("Parts, software, service; refunds on or off")),
        (Act.SET_HOURS, "hours", gettext("Opening hours"), gettext("Opening hours, holidays, time after a disaster")),
        (
            Act.CHANGE_CREDENTIALS,
            "channel-accounts",
            gettext("Channel accounts"),
            gettext("Credentials, contracts, tests of the connection"),
        ),
        (Act.MANAGE_KEYS, "api-keys", gettext("API keys"), gettext("What tills and other systems sign in with")),
        (Act.SEE_POLICY, "policy", gettext("Refund policy"), gettext("The rules, and who changes them")),
        (
            Act.MANAGE_TEAM,
            "team-work",
            gettext("Work on the desk"),
            gettext("Who is given which refunds, and how many decisions are looked at twice."),
        ),
        (Act.DELEGATE, "deputies", gettext("Deputies"), gettext("Who decides for somebody away")),
        (
            Act.SET_WORDING,
            "messages",
            gettext("Message wording"),
            gettext("Your own words to customers, in both languages"),
        ),
        (
            Act.CHANGE_CREDENTIALS,
            "carriers",
            gettext("Carriers"),
            gettext("Who takes SMS and WeChat messages, and the order"),
        ),
        (Act.CHANGE_CREDENTIALS, "alerts", gettext("Alerts"), gettext("Groups and addresses that are told of trouble")),
        (Act.ERASE, "personal-data", gettext("Personal data"), gettext("What is kept how long; erasing on request")),
        (Act.SEE_AUDIT, "audit", gettext("Audit trail"), gettext("Who did what, and that nobody changed it")),
    ]
    return [
        Row(cells=[Cell(text=label, url=reverse(f"desk:{name}")), Cell(text=what)])
        for act, name, label, what in there
        if scope.may(act)
    ]


def settings_page(*, scope: Scope) -> SettingsPage:
    """All of them, by name."""
    return SettingsPage(
        title=gettext("All settings"),
        sub=gettext("Every change is kept in the audit trail with who made it."),
        tables=[
            Table(
                title=gettext("Settings"),
                columns=[gettext("Page"), gettext("What for")],
                rows=settings_rows(scope=scope),
                icon="settings",
            )
        ],
    )
