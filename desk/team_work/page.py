"""What the page of work that is handed out shows."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext

from core.plain_text import listed
from desk.access import Scope
from desk.addresses import with_query
from desk.filters import Option, choices
from desk.forms import FormField, checks, flag, hidden, text
from desk.settings.layout import Cell, Form, Row, SettingsPage, Table, form
from merchants.models import Role
from refunds.models import Reviewer
from refunds.models.assignment import SECOND_LOOKS_PERCENT
from refunds.review import assigning, presence
from refunds.states import Reason


def language_names() -> dict[str, str]:
    return {"zh-Hans": gettext("Chinese"), "en": gettext("English")}


def team_work_page(*, scope: Scope, person: int) -> SettingsPage:
    """``person``: whose entry is open; 0 for nobody's."""
    people = assigning.reviewers(merchant_id=scope.staff.merchant_id)
    there = presence.here(one.staff_id for one in people)
    chosen = next((one for one in people if one.staff_id == person), None)
    return SettingsPage(
        title=gettext("Work on the desk"),
        sub=gettext("Who is given which refunds, and how many decisions are looked at twice."),
        crumbs=[Option(label=gettext("Team"), url=reverse("desk:team"))],
        tables=[_table(people, there)],
        forms=[*([_reviewer(chosen)] if chosen else []), _settings(scope)],
    )


def _table(people: Sequence[Reviewer], there: frozenset[int]) -> Table:
    named, everything = language_names(), gettext("all")
    return Table(
        title=gettext("Who decides"),
        columns=[
            gettext("Name"),
            gettext("At the moment"),
            gettext("Most at once"),
            gettext("Reasons"),
            gettext("Languages"),
        ],
        rows=[
            Row(
                cells=[
                    Cell(text=one.staff.name, sub=[str(Role(one.staff.role).label)]),
                    Cell(text=gettext("at the desk"), tone="ok", icon="circle-check")
                    if one.staff_id in there
                    else Cell(text=gettext("not there")),
                    Cell(
                        text=str(one.most_on_desk), sub=[] if one.takes_work else [gettext("given nothing by itself")]
                    ),
                    Cell(text=listed(Reason(code).label for code in one.reasons) or everything),
                    Cell(text=listed(named[code] for code in one.languages) or everything),
                ],
                links=[Option(label=gettext("Settings"), url=_address(one.staff_id))],
            )
            for one in people
        ],
        nothing=gettext("Nobody decides refunds yet"),
        empty=gettext(
            "Invite a reviewer, a manager or another owner: what waits at the desk is handed out to them here."
        ),
        first=Option(label=gettext("Invite somebody"), url=reverse("desk:team")),
        icon="users",
    )


def _address(person: int) -> str:
    return with_query(reverse("desk:team-work"), person=str(person))


def _reviewer(one: Reviewer) -> Form:
    none = gettext("None ticked: all of them")
    return form(
        "reviewer",
        title=one.staff.name,
        url=_address(one.staff_id),
        button=gettext("Save"),
        fields=[
            hidden("form", "reviewer"),
            flag("takes_work", gettext("Is given work while at the desk"), on=one.takes_work),
            text(
                "most_on_desk",
                gettext("At most so many on the desk"),
                str(one.most_on_desk),
                kind="number",
                required=True,
            ),
            checks("reasons", gettext("Reasons"), choices(Reason.choices), one.reasons, hint=none),
            checks("languages", gettext("Languages"), choices(language_names().items()), one.languages, hint=none),
        ],
    )


def _settings(scope: Scope) -> Form:
    kept = assigning.settings_of(scope.staff.merchant_id)
    return form(
        "desk",
        title=gettext("The whole desk"),
        url=reverse("desk:team-work"),
        button=gettext("Save"),
        fields=[
            hidden("form", "desk"),
            flag("assigns", gettext("Hand out what waits by itself"), on=kept.assigns),
            FormField(
                name="second_looks_percent",
                label=gettext("Decisions that are looked at twice"),
                values=(str(kept.second_looks_percent),),
                kind="number",
                unit="%",
                hint=gettext("0 to 100, usually %(usual)s; what goes beyond the policy always is")
                % {"usual": SECOND_LOOKS_PERCENT},
                required=True,
            ),
        ],
        note=gettext(
            "Whoever is at the desk is given what they may decide, the shortest time first. What they do not open within two"
            " minutes goes back to the queue."
        ),
    )
