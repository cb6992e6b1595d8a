"""Who is given which work. Owners."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from desk.access import Scope, staff_page, staff_posts
from desk.forms import whole
from desk.settings.layout import take, whole_number
from desk.team_work.page import team_work_page
from merchants.rights import Act
from refunds.review import assigning, presence


@staff_page(Act.MANAGE_TEAM)
def team_work(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list and the settings; a POST changes them, or what ``person`` takes."""
    person, posted = whole_number(request.GET.dict(), "person"), request.POST
    page = partial(team_work_page, scope=scope, person=person)

    def save() -> str:
        now = timezone.now()
        if posted.get("form") != "reviewer":
            percent = _number(request, "second_looks_percent")
            assigns = posted.get("assigns") == "1"
            assigning.set_settings(assigns=assigns, second_looks_percent=percent, by=scope.by, at=now)
            return gettext("Saved.")
        kept = assigning.set_reviewer(
            staff_id=person,
            takes_work=posted.get("takes_work") == "1",
            most_on_desk=_number(request, "most_on_desk"),
            reasons=posted.getlist("reasons"),
            languages=posted.getlist("languages"),
            by=scope.by,
            at=now,
        )
        return gettext("%(name)s: saved.") % {"name": kept.staff.name}

    name = "reviewer" if posted.get("form") == "reviewer" else "desk"
    return take(request, form=name, act=save, page=page, back=reverse("desk:team-work"))


@staff_posts()
def be_here(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The desk is open before this person, with no refund in it; with ``left`` no longer."""
    (presence.go if request.POST.get("left") else presence.come)(scope.staff.pk)
    return HttpResponse(status=204)


def _number(request: HttpRequest, name: str) -> int:
    """What was typed, -1 for no number."""
    found = whole(request.POST.get(name, "").strip(), digits=4)
    return -1 if found is None else found
