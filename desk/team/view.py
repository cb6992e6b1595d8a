"""The team: invited, placed, switched off by owners; ways in reset by two."""

import smtplib

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import Conflict, DomainError, Invalid, NotFound, existing
from desk import forms, words
from desk.access import Scope, staff_page
from desk.rendering import done, render_page
from desk.team.page import EMPTY, Form, Link, member_page, team_page
from merchants import invitations
from merchants import team as teams
from merchants.models import Staff
from merchants.rights import Act
from merchants.team import Place


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_TEAM, Act.RESET_ACCESS)
def team(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST invites somebody and shows their link this one time."""
    if request.method != "POST":
        return _team(request, scope)
    form = _form(request)
    try:
        mail = _mail(form)
        staff, token = teams.invite(login=form.login, place=_place(form), by=scope.by, at=timezone.now())
    except Invalid as error:
        return _team(request, scope, form=form, error=error)
    return _team(request, scope, link=_link(scope, staff, token, is_reset=False, mail=mail))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_TEAM, Act.RESET_ACCESS)
def member(request: HttpRequest, scope: Scope, staff_id: int) -> HttpResponse:
    """One person; a POST places them anew."""
    staff = _staff(scope, staff_id)
    if request.method != "POST":
        return _member(request, scope, staff)
    form = _form(request)
    try:
        staff = teams.place(staff_id=staff_id, place=_place(form), by=scope.by, at=timezone.now())
    except Invalid as error:
        return _member(request, scope, staff, form=form, error=error)
    return done(request, gettext("%(name)s: saved.") % {"name": staff.name}, "desk:team-member", staff.pk)


@require_POST
@staff_page(Act.MANAGE_TEAM)
def invite_again(request: HttpRequest, scope: Scope, staff_id: int) -> HttpResponse:
    """A new link for who has not come in yet."""
    staff = _staff(scope, staff_id)
    try:
        mail = _mail(_form(request))
        staff, token = teams.invite_again(staff_id=staff_id, by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _member(request, scope, staff, error=error)
    return _member(request, scope, staff, link=_link(scope, staff, token, is_reset=False, mail=mail))


@require_POST
@staff_page(Act.MANAGE_TEAM)
def switch(request: HttpRequest, scope: Scope, staff_id: int) -> HttpResponse:
    """Switch an account off or on; off with the name typed."""
    staff, on = _staff(scope, staff_id), request.POST.get("on") == "1"
    try:
        if not on:
            forms.check_confirmed(request.POST)
        staff = teams.switch(staff_id=staff_id, on=on, by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _member(request, scope, staff, error=error)
    said = gettext("%(name)s can sign in again.") if on else gettext("%(name)s is signed out everywhere and stays out.")
    return done(request, said % {"name": staff.name}, "desk:team-member", staff.pk)


@require_POST
@staff_page(Act.MANAGE_TEAM)
def require_second_factor(request: HttpRequest, scope: Scope) -> HttpResponse:
    """From now on nobody who decides comes in by a password alone."""
    try:
        forms.check_confirmed(request.POST)
        teams.require_second_factor(by=scope.by, at=timezone.now())
    except Invalid as error:
        return _team(request, scope, error=error)
    return done(request, gettext("Whoever decides needs a second factor from now on."), "desk:team")


@require_POST
@staff_page(Act.MANAGE_TEAM)
def require_passkeys(request: HttpRequest, scope: Scope) -> HttpResponse:
    """From now on large decisions are signed with a passkey, for good."""
    try:
        forms.check_confirmed(request.POST)
        teams.require_passkeys(by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _team(request, scope, error=error)
    return done(request, gettext("Large decisions are signed with a passkey from now on."), "desk:team")


@require_POST
@staff_page(Act.MANAGE_TEAM, Act.RESET_ACCESS)
def ask_reset(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The first of two: a person's password or second factor, or the merchant's requirement."""
    typed = request.POST.get("staff", "")
    staff_id = forms.whole(typed, digits=18)
    if typed and staff_id is None:
        raise NotFound("there is no such colleague")
    try:
        row = teams.ask_reset(staff_id=staff_id, kind=request.POST.get("kind", ""), by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _team(request, scope, error=error)
    messages.success(request, gettext("Asked for. A colleague has to confirm it within 24 hours."))
    return redirect("desk:team") if row.staff_id is None else redirect("desk:team-member", row.staff_id)


@require_POST
@staff_page(Act.RESET_ACCESS)
def confirm_reset(request: HttpRequest, scope: Scope, reset_id: int) -> HttpResponse:
    """The second of two; shows the person's link this one time."""
    try:
        forms.check_confirmed(request.POST)
        row, token = teams.confirm_reset(reset_id=reset_id, by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _team(request, scope, error=error)
    if row.staff is None:
        return done(request, gettext("A second factor is no longer required."), "desk:team")
    return _team(request, scope, link=_link(scope, row.staff, token, is_reset=True, mail=""))


@require_POST
@staff_page(Act.RESET_ACCESS)
def withdraw_reset(request: HttpRequest, scope: Scope, reset_id: int) -> HttpResponse:
    """It is not wanted any more."""
    teams.withdraw_reset(reset_id=reset_id, by=scope.by, at=timezone.now())
    return done(request, gettext("Withdrawn. Nothing was reset."), "desk:team")


def _staff(scope: Scope, staff_id: int) -> Staff:
    return existing(scope.staff.merchant.staff.prefetch_related("stores").filter(pk=staff_id).first(), "colleague")


def _form(request: HttpRequest) -> Form:
    data = request.POST
    return Form(
        login=data.get("login", "")[:60],
        mail=data.get("mail", "").strip()[:200],
        role=data.get("role", ""),
        stores=frozenset(data.getlist("stores")),
        all_stores=data.get("all_stores") == "1",
        limit=data.get("limit", "").strip(),
        till_codes=data.get("till_codes", ""),
    )


def _place(form: Form) -> Place:
    ids = [forms.whole(one, digits=18) or 0 for one in form.stores]
    codes = form.till_codes.replace("，", ",").replace("、", ",").split(",")
    return Place(
        role=form.role,
        store_ids=frozenset(ids),
        all_stores=form.all_stores,
        limit_fen=forms.amount_fen(form.limit) if form.limit else None,
        till_codes=tuple(dict.fromkeys(filter(None, map(str.strip, codes)))),
    )


def _mail(form: Form) -> str:
    """Where to send the link, "" for nowhere. Not kept."""
    if form.mail:
        try:
            validate_email(form.mail)
        except ValidationError as error:
            raise Invalid("this is no mail address", code="mail_invalid") from error
    return form.mail


def _link(scope: Scope, staff: Staff, token: str, *, is_reset: bool, mail: str) -> Link:
    """The address to hand over, mailed where somebody said to whom. A mail that fails leaves the address on the page."""
    url, failed = invitations.link(token), False
    if mail:
        subject = gettext("Your way into RefundDesk of %(merchant)s") % {"merchant": scope.staff.merchant.name}
        text = gettext("Open this link within three days and choose a password. It works once:\n\n%(url)s") % {
            "url": url
        }
        try:
            send_mail(subject, text, None, [mail])
        except (smtplib.SMTPException, OSError):
            failed = True
    return Link(staff, url, is_reset, "" if failed else mail, failed)


def _team(
    request: HttpRequest,
    scope: Scope,
    *,
    form: Form = EMPTY,
    error: DomainError | None = None,
    link: Link | None = None,
) -> HttpResponse:
    said = words.short(error) if error else ""
    page = team_page(scope=scope, at=timezone.now(), form=form, form_error=said, link=link)
    return render_page(request, "desk/team.html", page, status=words.status(error) if error else 200)


def _member(
    request: HttpRequest,
    scope: Scope,
    staff: Staff,
    *,
    form: Form | None = None,
    error: DomainError | None = None,
    link: Link | None = None,
) -> HttpResponse:
    said = words.short(error) if error else ""
    page = member_page(scope=scope, staff=staff, at=timezone.now(), form=form, form_error=said, link=link)
    return render_page(request, "desk/team_member.html", page, status=words.status(error) if error else 200)
