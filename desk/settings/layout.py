"""What every page of settings is made of: lists, facts and forms, shown by one template, ``desk/settings.html``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid
from desk import words
from desk.filters import Menu, Option
from desk.forms import FormField
from desk.rendering import go_on, render_page
from desk.rows import Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text; with a ``tone`` or ``icon`` it is a badge, with a ``url`` a link. ``sub`` stands below, a line each."""

    text: str
    sub: Sequence[str] = ()
    url: str = ""
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
    """A list. ``filters`` and ``pager`` where it is long; ``empty`` says what to do where there is nothing."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    empty: str
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
    """``crumbs`` lead back; ``wide_forms`` have many fields; ``notes`` are what one should know before changing anything."""

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form that was not taken: which, why, and what was typed into it."""

    form: str
    error: DomainError
    typed: QueryDict


def settings_crumb() -> Option:
    return Option(label=gettext("All settings"), url=reverse("desk:settings"))


def form(
    name: str,
    *,
    title: str,
    url: str,
    button: str,
    fields: Sequence[FormField],
    refusal: Refusal | None,
    note: str = "",
    tone: str = "primary",
    also: Sequence[Option] = (),
) -> Form:
    """A form with what stands in it, or what was typed where that was refused; secrets are typed once more."""
    own = refusal if refusal is not None and refusal.form == name else None
    shown = [replace(one, form=f"{name}-") for one in fields]
    if own is not None:
        errors = {one.field.rpartition(".")[2]: words.short(own.error) for one in own.error.errors}
        shown = [
            replace(
                one,
                values=() if one.kind == "secret" else tuple(own.typed.getlist(one.name)),
                error=errors.get(one.name, ""),
            )
            for one in shown
        ]
    error = words.short(own.error) if own is not None else ""
    return Form(
        name=name, title=title, url=url, button=button, fields=shown, note=note, tone=tone, error=error, also=also
    )


def text(
    name: str, label: str, value: str = "", *, kind: str = "text", hint: str = "", required: bool = False
) -> FormField:
    """A field of one line, or of another kind without choices."""
    values = (value,) if value else ()
    return FormField(name=name, label=label, kind=kind, values=values, hint=hint, required=required)


def show(request: HttpRequest, page: SettingsPage, *, status: int = 200) -> HttpResponse:
    return render_page(request, "desk/settings.html", page, status=status)


def take(
    request: HttpRequest,
    *,
    form: str,
    act: Callable[[], str],
    page: Callable[[Refusal], SettingsPage],
    back: str,
) -> HttpResponse:
    """Do what a form asks for; ``act`` returns what is said of it. A refusal shows the page again with what was typed."""
    try:
        said = act()
    except (Invalid, Conflict) as error:
        return show(request, page(Refusal(form, error, request.POST)), status=words.status(error))
    messages.success(request, said)
    return go_on(request, back)


def whole_number(data: Mapping[str, str], name: str) -> int:
    """The id that a form names; 0 for nonsense, which is nobody's."""
    typed = data.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
