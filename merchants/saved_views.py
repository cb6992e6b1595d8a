"""Lists as each member of staff likes to see them: one's own, nobody else's."""

from django.db import transaction

from core.errors import Invalid, NotFound
from core.plain_text import person_name
from merchants.models import SavedView
from merchants.principals import Principal

MOST = 20


@transaction.atomic
def keep(*, page: str, name: str, query: str, by: Principal) -> SavedView:
    """Keep it, in the place of one of the same name. Raises ``Invalid``."""
    name = person_name(name)[:40]
    own = SavedView.objects.filter(staff_id=by.acting_staff, page=page)
    if not name or len(query) > 1_000 or own.exclude(name=name).count() >= MOST:
        raise Invalid("no name, or too many views", code="saved_view_invalid")
    view, _ = SavedView.objects.update_or_create(
        staff_id=by.acting_staff, page=page, name=name, defaults={"query": query, "merchant_id": by.acting_for}
    )
    return view


def remove(*, view_id: int, by: Principal) -> None:
    """Raises ``NotFound``, also for a colleague's."""
    if not SavedView.objects.filter(pk=view_id, staff_id=by.acting_staff).delete()[0]:
        raise NotFound("there is no such view")


def of(*, page: str, by: Principal) -> list[SavedView]:
    """This person's own views of a list, by name."""
    return list(SavedView.objects.filter(staff_id=by.acting_staff, page=page).order_by("name"))
