"""Channel accounts. Owners and managers of the whole merchant."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from core.errors import NotFound, existing, wrong
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.channel_accounts.page import CHANNELS, account_page, accounts_page, credential_fields, open_page
from desk.channel_accounts.profile import typed_profile
from desk.settings.layout import show, take
from merchants.models import ChannelAccount
from merchants.rights import Act
from merchants.stores import store_by_code
from refunds.payouts import accounts as acts
from refunds.payouts import credentials


@staff_reads(Act.CHANGE_CREDENTIALS)
def accounts(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list."""
    return show(request, accounts_page(scope=scope))


@sensitive_post_parameters()
@staff_page(Act.CHANGE_CREDENTIALS)
def open_account(request: HttpRequest, scope: Scope, channel: str) -> HttpResponse:
    """The form of a channel; a POST opens an account."""
    if channel not in CHANNELS:
        raise NotFound("there is no such channel")

    def add() -> str:
        data = request.POST
        # All stores are asked for by name: a store that is not known is never all of them.
        chosen = data.get("store", "")
        store = None if chosen == "*" else store_by_code(chosen, by=scope.by)
        opened = acts.open_account(
            channel=channel,
            store_id=store.pk if store else None,
            given=_credentials(request, channel),
            replaces=bool(data.get("replaces")),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("%(account)s is open. Test the connection now.") % {"account": opened.code}

    return take(
        request,
        form="open",
        act=add,
        page=lambda: open_page(scope=scope, channel=channel),
        back=reverse("desk:channel-accounts"),
    )


@staff_page(Act.CHANGE_CREDENTIALS)
def account(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """One account; a POST says what its contract says."""
    found, now = _account(scope, code), timezone.now()

    def save() -> str:
        acts.change_profile(account_id=found.pk, given=typed_profile(request.POST, found), by=scope.by, at=now)
        return gettext("The contract is saved.")

    return _take(request, found, "profile", save, now)


@sensitive_post_parameters()
@staff_posts(Act.CHANGE_CREDENTIALS)
def rotate(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """Other credentials; notices under the old ones are read for a while."""
    found, now = _account(scope, code), timezone.now()

    def change() -> str:
        changed = credentials.change(
            account_id=found.pk,
            given=_credentials(request, found.channel),
            # What is no choice is refused as one that is not offered.
            overlap=credentials.OVERLAPS.get(request.POST.get("overlap", ""), timedelta.max),
            by=scope.by,
            at=now,
        )
        return gettext("The credentials are changed.") if changed else gettext("Nothing was entered that is new.")

    return _take(request, found, "rotate", change, now)


@staff_posts(Act.CHANGE_CREDENTIALS)
def try_it(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """Ask the channel about a refund that never was."""
    found, now = _account(scope, code), timezone.now()

    def ask() -> str:
        word, _ = acts.try_connection(account_id=found.pk, by=scope.by, at=now)
        return {
            acts.WORKS: gettext("The channel knows this account and answers."),
            acts.REFUSED: gettext("The channel refuses these credentials."),
        }.get(word, gettext("The channel gave no answer that proves anything."))

    return _take(request, found, "test", ask, now)


@staff_posts(Act.CHANGE_CREDENTIALS)
def close(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """It takes no new payments, once its code was typed."""
    found, now = _account(scope, code), timezone.now()

    def end() -> str:
        if request.POST.get("typed", "").strip() != found.code:
            raise wrong("typed", code="code_not_typed")
        acts.close(account_id=found.pk, by=scope.by, at=now)
        return gettext("%(account)s is out of use.") % {"account": found.code}

    return _take(request, found, "close", end, now)


def _take(request: HttpRequest, found: ChannelAccount, form: str, act: Callable[[], str], at: datetime) -> HttpResponse:
    return take(
        request,
        form=form,
        act=act,
        page=lambda: account_page(account=found, at=at),
        back=reverse("desk:channel-account", args=[found.code]),
    )


def _account(scope: Scope, code: str) -> ChannelAccount:
    theirs = ChannelAccount.objects.filter(merchant_id=scope.staff.merchant_id, channel__in=CHANNELS)
    return existing(theirs.select_related("store").filter(code=code).first(), "channel account")


def _credentials(request: HttpRequest, channel: str) -> dict[str, str]:
    """What was entered; what was left empty is not said."""
    names = [field.name for field in credential_fields(channel)]
    return {name: value for name in names if (value := request.POST.get(name, "").strip()[:8000])}
