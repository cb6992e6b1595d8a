"""One's own account. What a stolen session must not do asks for the password."""

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from core.client_address import client_address
from core.errors import Conflict, DomainError, Invalid
from core.guessing import TooManyGuesses
from desk import words
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.account.page import account_page
from desk.join.view import check_twice, explain
from desk.rendering import done, render_page
from desk.sign_in import second
from desk.sign_in.half_way import speak
from desk.sign_in.second import EnrolPage
from desk.sign_in.view import wait_words
from merchants import account as accounts
from merchants import second_factor


class _Wait(Conflict):
    """There were too many wrong passwords."""

    code = "too_many_guesses"
    status = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


@staff_reads()
def account(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The page."""
    return _page(request, scope)


@staff_posts()
def password(request: HttpRequest, scope: Scope) -> HttpResponse:
    """A new password; every other browser is signed out."""
    try:
        check_twice(request)
        _check_password(request, scope)
        staff = accounts.change_password(
            password=request.POST["password"],
            by=scope.by,
            at=timezone.now(),
            session_key=request.session.session_key or "",
        )
    except (Invalid, Conflict) as error:
        return _page(request, scope, "password", error)
    before = request.session.session_key
    auth.update_session_auth_hash(request, staff)
    accounts.moved_session(before=before, after=request.session.session_key, by=scope.by)
    return done(request, gettext("Your password is changed. Other browsers are signed out."), "desk:account")


@staff_posts()
def language(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The language of this person's pages, in whatever browser they sign in."""
    chosen = request.POST.get("language", "")
    try:
        accounts.set_language(language=chosen, by=scope.by, at=timezone.now())
    except Invalid as error:
        return _page(request, scope, "language", error)
    answer = redirect("desk:account")
    speak(answer, chosen)
    return answer


@staff_posts()
def end_session(request: HttpRequest, scope: Scope, session_id: int) -> HttpResponse:
    """Sign out one browser."""
    return _ended(request, scope, session_id)


@staff_posts()
def end_others(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Sign out every browser but this one."""
    return _ended(request, scope, None)


def _ended(request: HttpRequest, scope: Scope, session_id: int | None) -> HttpResponse:
    ended = accounts.end_sessions(
        session_id=session_id, by=scope.by, session_key=request.session.session_key, at=timezone.now()
    )
    said = ngettext("%(n)s browser is signed out.", "%(n)s browsers are signed out.", ended)
    return done(request, said % {"n": ended}, "desk:account")


@staff_page()
def add_factor(request: HttpRequest, scope: Scope) -> HttpResponse:
    """An app or a passkey; a POST keeps what the form of one of them says."""
    error: DomainError | None = None
    if request.method == "POST":
        try:
            _check_password(request, scope)
            codes = second.add(request, by=scope.by)
        except (Invalid, Conflict) as refused:
            error = refused
        else:
            messages.success(request, gettext("Your second factor is kept. It is asked for when you sign in."))
            return second.codes_page(request, codes, reverse("desk:account"))
    page = EnrolPage(
        offer=second_factor.offer(request=request, staff=scope.staff),
        asks_password=True,
        form_error=_words(error),
        languages=(),
    )
    return render_page(request, "desk/account/add_factor.html", page, status=words.status(error) if error else 200)


@staff_posts()
def remove_factor(request: HttpRequest, scope: Scope, factor_id: int) -> HttpResponse:
    """Take one away."""
    try:
        _check_password(request, scope)
        second_factor.remove(factor_id=factor_id, by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _page(request, scope, "factor", error)
    return done(request, gettext("The second factor is removed."), "desk:account")


@staff_posts()
def recovery_codes(request: HttpRequest, scope: Scope) -> HttpResponse:
    """New ones, shown once; the old ones are void."""
    try:
        _check_password(request, scope)
        codes = second_factor.new_recovery_codes(by=scope.by, at=timezone.now())
    except (Invalid, Conflict) as error:
        return _page(request, scope, "factor", error)
    return second.codes_page(request, codes, reverse("desk:account"))


def _check_password(request: HttpRequest, scope: Scope) -> None:
    try:
        accounts.check_password(
            by=scope.by, password=request.POST.get("current", ""), address=client_address(request.META)
        )
    except TooManyGuesses as refusal:
        raise _Wait(refusal.wait_s) from refusal


def _words(error: DomainError | None) -> str:
    if error is None:
        return ""
    if isinstance(error, _Wait):
        return wait_words(error.wait_s)
    return explain(error) if isinstance(error, Invalid) else words.short(error)


def _page(request: HttpRequest, scope: Scope, error_in: str = "", error: DomainError | None = None) -> HttpResponse:
    page = account_page(
        scope=scope,
        session_key=request.session.session_key,
        at=timezone.now(),
        error_in=error_in,
        form_error=_words(error),
    )
    return render_page(request, "desk/account.html", page, status=words.status(error) if error else 200)
