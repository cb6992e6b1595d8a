"""What every page of settings is made of: lists, facts and forms, shown by one template, ``desk/settings.html``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from core import codes
from core.errors import Conflict, DomainError, Invalid
from desk import words
from desk.filters import Menu, Option
from desk.forms import FormField, whole
from desk.rendering import go_on, render_page
from desk.rows import Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text; with a ``tone`` or ``icon`` it is a badge, with a ``url`` a link. ``sub`` stands below, a line each. ``about`` is
    heard with a link whose words say little alone.
    """

    text: str
    sub: Sequence[str] = ()
    url: str = ""
    about: str = ""
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a list; ``links`` are what can be done with it."""

    cells: Sequence[Cell]
    links: Sequence[Option] = ()
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list. ``filters`` and ``pager`` where it is long. Where nothing is in it ``nothing`` says so, of this list, and ``empty``
    what it is for and what to do; ``first`` leads to where that is done, where it is not this page.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    nothing: str = ""
    empty: str = ""
    first: Option | None = None
    icon: str
    filters: Sequence[Menu] = ()
    clear_filters_url: str = ""
    pager: Pager | None = None

    @property
    def has_filters(self) -> bool:
        return any(menu.current_label for menu in self.filters)


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one thing."""

    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """``tone`` of the button: primary or danger; ``also`` are other things that can be done with what is typed."""

    name: str
    title: str
    url: str
    button: str
    fields: Sequence[FormField]
    note: str
    tone: str
    error: str
    also: Sequence[Option] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage:
    """``crumbs`` lead back; ``wide_forms`` have many fields; ``notes`` are what one should know before changing anything.
    ``below`` is the page of the navigation that it belongs to, where its own address tells another.
    """

    title: str
    sub: str
    crumbs: Sequence[Option] = ()
    notes: Sequence[Cell] = ()
    facts: Sequence[Facts] = ()
    tables: Sequence[Table] = ()
    forms: Sequence[Form] = ()
    wide_forms: Sequence[Form] = ()
    #: Where it looks again by itself, while something moves.
    poll_url: str = ""
    below: str = ""


def settings_crumb() -> Option:
    return Option(label=gettext("All settings"), url=reverse("desk:settings"))


def form(
    name: str,
    *,
    title: str,
    url: str,
    button: str = "",
    fields: Sequence[FormField] = (),
    note: str = "",
    tone: str = "primary",
    also: Sequence[Option] = (),
) -> Form:
    """A form with what stands in it; its button says what its title says, or ``button``."""
    shown = [replace(one, form=f"{name}-") for one in fields]
    return Form(
        name=name, title=title, url=url, button=button or title, fields=shown, note=note, tone=tone, error="", also=also
    )


def refused(page: SettingsPage, *, form: str, error: DomainError, typed: QueryDict) -> SettingsPage:
    """The page with what was typed into this form, and why it was not taken; secrets are typed once more."""
    errors = {one.field.rpartition(".")[2]: codes.words_of_field(one) for one in error.errors}

    def mark(one: Form) -> Form:
        if one.name != form:
            return one
        fields = [
            replace(
                field,
                values=() if field.kind == "secret" else tuple(typed.getlist(field.name)),
                error=errors.get(field.name, ""),
            )
            for field in one.fields
        ]
        # Beside the field, where the page begins then, it is not said once more above.
        is_said = any(field.error and field.kind != "hidden" for field in fields)
        return replace(one, fields=fields, error="" if is_said else words.short(error))

    return replace(page, forms=list(map(mark, page.forms)), wide_forms=list(map(mark, page.wide_forms)))


def show(request: HttpRequest, page: SettingsPage, *, status: int = 200) -> HttpResponse:
    return render_page(request, "desk/settings.html", page, status=status)


def take(
    request: HttpRequest, *, form: str, act: Callable[[], str], page: Callable[[], SettingsPage], back: str
) -> HttpResponse:
    """The page; on a POST, do what its form asks for: ``act`` returns what is said of it. A refusal shows the page again with
    what was typed.
    """
    if request.method != "POST":
        return show(request, page())
    try:
        said = act()
    except (Invalid, Conflict) as error:
        again = refused(page(), form=form, error=error, typed=request.POST)
        return show(request, again, status=words.status(error))
    messages.success(request, said)
    return go_on(request, back)


def whole_number(data: Mapping[str, str], name: str) -> int:
    """The id that a form names; 0 for nonsense, which is nobody's."""
    return whole(data.get(name, ""), digits=18) or 0
