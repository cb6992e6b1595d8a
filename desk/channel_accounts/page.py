"""What the pages of channel accounts show. Of credentials, only the names that are no secret."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.access import Scope
from desk.channel_accounts.profile import form_fields
from desk.filters import Choice, Option
from desk.forms import FormField, choice, flag, text
from desk.settings.layout import Cell, Fact, Facts, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_minute
from merchants import channels
from merchants.models import ChannelAccount

#: Those that a person pays through have no credentials.
CHANNELS = tuple(code for code in ("wechat", "alipay", "unionpay") if channels.channel(code))
LABELS: Mapping[str, Promise] = {
    "mchid": _("Merchant number (mchid)"),
    "sub_mchid": _("Sub-merchant number, for service providers"),
    "merchant_serial": _("Serial of the merchant's certificate"),
    "public_key_id": _("Id of WeChat Pay's public key"),
    "merchant_private_key": _("Merchant's private key (PEM)"),
    "api_v3_key": _("API v3 key (32 characters)"),
    "public_key": _("WeChat Pay's public key (PEM)"),
    "app_id": _("Application number (app_id)"),
    "app_private_key": _("Application's private key"),
    "alipay_public_key": _("Alipay's public key"),
    "app_certificate": _("or by certificates: the application's (appCertPublicKey, PEM)"),
    "alipay_certificate": _("Alipay's certificate (alipayCertPublicKey_RSA2, PEM)"),
    "alipay_root_certificate": _("Alipay's root certificates (alipayRootCert, PEM)"),
    "app_auth_token": _("Authorisation token, for service providers"),
    "mer_id": _("Merchant number (merId)"),
    "access_type": _("Access type"),
    "acq_ins_code": _("Acquirer's code"),
    "signer": _("Name on UnionPay's certificate"),
    "sign_certificate": _("Signing certificate (PEM)"),
    "sign_private_key": _("Its private key (PEM)"),
    "sign_pfx": _("or both as a PFX (Base64)"),
    "sign_pfx_password": _("Password of the PFX"),
    "root_certificate": _("Root certificate (PEM)"),
    "middle_certificate": _("Intermediate certificates (PEM)"),
}  # fmt: skip


def accounts_page(*, scope: Scope) -> SettingsPage:
    found = ChannelAccount.objects.filter(merchant_id=scope.staff.merchant_id, channel__in=CHANNELS)
    ordered = found.select_related("store").defer("sealed_credentials", "sealed_credentials_before")
    table = Table(
        title=gettext("Channel accounts"),
        columns=[gettext("Account"), gettext("Store"), gettext("State"), gettext("Last test")],
        rows=[
            Row(
                cells=[
                    Cell(
                        text=channels.label(account.channel),
                        sub=[account.code],
                        url=reverse("desk:channel-account", args=[account.code]),
                    ),
                    Cell(text=account.store.name if account.store else gettext("All stores")),
                    standing(account),
                    tested(account),
                ],
                muted=not account.is_active,
            )
            for account in ordered.order_by("-is_active", "channel", "-pk")[:200]
        ],
        nothing=gettext("No channel accounts yet"),
        empty=gettext("Open one at the channel that your customers pay with."),
        icon="landmark",
    )
    new = Table(
        title=gettext("Open an account"),
        columns=[gettext("Channel")],
        rows=[
            Row(
                cells=[Cell(text=channels.label(code))],
                links=[
                    Option(label=gettext("Enter credentials"), url=reverse("desk:channel-account-open", args=[code]))
                ],
            )
            for code in CHANNELS
        ],
        icon="landmark",
    )
    return SettingsPage(
        title=gettext("Channel accounts"),
        sub=gettext("Refunds leave through the account that took the payment, also when it is no longer in use."),
        crumbs=[settings_crumb()],
        tables=[table, new],
    )


def open_page(*, scope: Scope, channel: str) -> SettingsPage:
    """Credentials are entered once; nobody sees them again."""
    stores = [Choice("*", gettext("All stores")), *(Choice(store.code, store.name) for store in scope.stores())]
    return SettingsPage(
        title=gettext("New account at %(channel)s") % {"channel": channels.label(channel)},
        sub=gettext("What is entered here is sealed and never shown again."),
        crumbs=_crumbs(),
        wide_forms=[
            form(
                "open",
                title=gettext("Credentials"),
                url=reverse("desk:channel-account-open", args=[channel]),
                button=gettext("Open the account"),
                fields=[
                    choice("store", gettext("Takes payments of"), stores),
                    *credential_fields(channel),
                    flag("replaces", gettext("It replaces the account in use, which goes on refunding what it took")),
                ],
            )
        ],
    )


def account_page(*, account: ChannelAccount, at: datetime) -> SettingsPage:
    found = channels.channel(account.channel)
    stored = account.credentials
    until = account.credentials_before_until
    here = [account.code]
    names = found.open_credentials if found else ()
    facts = [
        Fact(gettext("Store"), Cell(text=account.store.name if account.store else gettext("All stores"))),
        Fact(gettext("State"), standing(account)),
        Fact(gettext("Last test"), tested(account)),
        Fact(gettext("Called at"), Cell(text=account.base_url)),
        Fact(
            gettext("Calls us back at"),
            Cell(text=f"{settings.BASE_URL}/channels/{account.channel}/{account.code}/notices"),
        ),
        *(Fact(str(LABELS[name]), Cell(text=stored[name])) for name in names if stored.get(name)),
        Fact(gettext("Secrets stored"), Cell(text=str(sum(name not in names for name in stored)))),
    ]
    if until is not None and until > at:
        facts.append(Fact(gettext("Old credentials"), Cell(text=when_minute(until), sub=[gettext("still read until")])))
    forms = [
        form(
            "test",
            title=gettext("Test the connection"),
            url=reverse("desk:channel-account-test", args=here),
            button=gettext("Test now"),
            note=gettext("The channel is asked about a refund that never was. No money moves."),
        ),
        form(
            "rotate",
            title=gettext("Change credentials"),
            url=reverse("desk:channel-account-rotate", args=here),
            fields=[*credential_fields(account.channel), _overlap_field()],
            note=gettext("What is left empty stays as it is. Refunds that waited for new keys go out at once."),
            tone="",
        ),
        form(
            "profile",
            title=gettext("What the contract says"),
            url=reverse("desk:channel-account", args=here),
            button=gettext("Save the contract"),
            fields=list(form_fields(account)),
            note=gettext("Empty: as the channel usually has it."),
            tone="",
        ),
    ]
    if account.is_active:
        forms.append(
            form(
                "close",
                title=gettext("Put it out of use"),
                url=reverse("desk:channel-account-close", args=here),
                fields=[
                    text("typed", gettext("To confirm, type the account's code: %(code)s") % {"code": account.code})
                ],
                note=gettext("It takes no new payments. What was paid into it is refunded through it as ever."),
                tone="danger",
            )
        )
    return SettingsPage(
        title=channels.label(account.channel),
        sub=account.code,
        crumbs=_crumbs(),
        facts=[Facts(title=gettext("As it is"), facts=facts)],
        forms=[one for one in forms if one.name in ("test", "close")],
        wide_forms=[one for one in forms if one.name in ("rotate", "profile")],
    )


def credential_fields(channel: str) -> list[FormField]:
    found = channels.channel(channel)
    if found is None:
        return []
    return [
        FormField(name=name, label=str(LABELS[name]), kind="text" if name in found.open_credentials else "secret")
        for name in (*found.open_credentials, *found.credentials)
    ]


def _overlap_field() -> FormField:
    choices = [
        Choice("24h", gettext("24 hours")),
        Choice("7d", gettext("seven days")),
        Choice("0", gettext("not at all")),
    ]
    return choice("overlap", gettext("Notices under the old ones are still read for"), choices, "24h")


def standing(account: ChannelAccount) -> Cell:
    if not account.is_active:
        return Cell(text=gettext("out of use"), icon="ban", sub=[when_minute(account.used_until)])
    return Cell(text=gettext("in use"), tone="ok", icon="circle-check")


def tested(account: ChannelAccount) -> Cell:
    """What the last test came to."""
    at = [when_minute(account.tested_at)]
    if account.test_word == "works":
        return Cell(text=gettext("works"), tone="ok", icon="circle-check", sub=at)
    if account.test_word == "refused":
        return Cell(text=gettext("credentials refused"), tone="bad", icon="circle-alert", sub=[account.test_code, *at])
    if account.test_word == "no_answer":
        return Cell(text=gettext("no answer"), tone="warn", icon="wifi-off", sub=[account.test_code, *at])
    return Cell(text=gettext("never tested"), icon="circle-dashed")


def _crumbs() -> list[Option]:
    return [settings_crumb(), Option(label=gettext("Channel accounts"), url=reverse("desk:channel-accounts"))]
