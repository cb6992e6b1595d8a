"""What people send in, parsed. A form that cannot be read raises ``Invalid`` with a code that ``words`` knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, QueryDict
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from core.errors import Invalid
from core.money import NotAnAmount, fen_typed
from core.numbers import reference
from core.phones import NotAPhone, phone_number
from core.plain_text import person_name
from desk.filters import Choice
from refunds.evidence import files
from refunds.evidence.files import Picture, TooManyPictures
from refunds.intake.claims import Account
from refunds.models.evidence import EvidenceKind
from refunds.states import RejectReason


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field as ``components/typed_field.html`` shows it: ``kind`` is number, money, choice, checks, flag, text, list, long,
    date, or secret, whose value is never shown again. ``form`` keeps apart the fields of several forms on one page.
    """

    name: str
    label: str
    kind: str = "text"
    values: tuple[str, ...] = ()
    choices: Sequence[Choice] = ()
    unit: str = ""
    hint: str = ""
    error: str = ""
    changed: bool = False
    required: bool = False
    form: str = ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def id(self) -> str:
        return f"f-{self.form}{self.name}".replace(".", "-")


def text(
    name: str, label: str, value: str = "", *, kind: str = "text", hint: str = "", required: bool = False
) -> FormField:
    """A field of one line, or of another kind without choices."""
    values = (value,) if value else ()
    return FormField(name=name, label=label, kind=kind, values=values, hint=hint, required=required)


def flag(name: str, label: str, *, on: bool = False) -> FormField:
    """A box to tick."""
    return FormField(name=name, label=label, kind="flag", values=("1",) if on else ())


def choice(name: str, label: str, choices: Sequence[Choice], value: str = "") -> FormField:
    """One of several; without a ``value`` the first."""
    return FormField(name=name, label=label, kind="choice", choices=choices, values=(value,) if value else ())


def checks(
    name: str, label: str, choices: Sequence[Choice], ticked: Iterable[str] = (), *, hint: str = ""
) -> FormField:
    """Any of several."""
    return FormField(name=name, label=label, kind="checks", choices=choices, values=tuple(ticked), hint=hint)


def hidden(name: str, value: str) -> FormField:
    return FormField(name=name, label="", kind="hidden", values=(value,))


def pictures_of(request: HttpRequest) -> list[Picture]:
    """The uploads, decoded before anything is stored. Raises ``NotAPicture``, ``PictureTooLarge`` or ``TooManyPictures``."""
    return uploads_of(request, kind=EvidenceKind.PHOTO)


def uploads_of(request: HttpRequest, *, kind: str) -> list[Picture]:
    """The same of a form that takes PDFs as well, where the kind of evidence may be one. Raises ``PaperTooLong``, too."""
    uploads = request.FILES.getlist("files")
    _check_count(len(uploads))
    return [files.read_upload(upload=upload, kind=kind) for upload in uploads]


def sorted_uploads(request: HttpRequest) -> dict[str, list[Picture]]:
    """The uploads of a form with a field for each kind of evidence: ``files`` for photos, ``files-receipt`` and so on. Raises as
    ``uploads_of`` does.
    """
    fields = {kind: request.FILES.getlist(f"files-{kind}") for kind in EvidenceKind.values}
    fields[EvidenceKind.PHOTO] = request.FILES.getlist("files")
    _check_count(sum(map(len, fields.values())))
    return {
        kind: [files.read_upload(upload=upload, kind=kind) for upload in uploads]
        for kind, uploads in fields.items()
        if uploads
    }


def _check_count(uploads: int) -> None:
    if uploads > files.MAX_PER_REQUEST:
        raise TooManyPictures("too many pictures")


#: What a customer can be asked for; the label is what they read.
INFO_ITEMS: dict[str, Promise | str] = {
    "photo": _("A photo of the goods"),
    "receipt": _("The receipt or the payment record"),
    "packaging": _("A photo of the packaging"),
    "account": _("Which account or card you paid with"),
    "description": _("What happened, in a few words"),
}

#: What a reviewer would write to the customer for each reason; put into the field to be changed or sent as it is.
_SUGGESTIONS: dict[RejectReason, Promise | str] = {
    RejectReason.OUTSIDE_WINDOW: _(
        "The agreed period had ended when you asked. If you think the date is wrong, show us your receipt."
    ),
    RejectReason.GOODS_USED: _(
        "The goods show traces of use, so the rules do not allow a refund. "
        "If they were like that when you got them, send us a photo from that day."
    ),
    RejectReason.NO_PROOF: _(
        "We found no proof of the purchase or of the fault. Send us the receipt or a photo, and we look at it again."
    ),
    RejectReason.NOT_COVERED: _(
        "The refund rules do not cover this reason. If something was wrong with goods or service, tell us what happened."
    ),
    RejectReason.ALREADY_SOLVED: _(
        "This was solved by an exchange, a repair or a compensation. If that did not happen, please call the store."
    ),
    RejectReason.SUSPECTED_ABUSE: _(
        "We could not confirm this request with the records of the sale. If you see it differently, bring your receipt."
    ),
}

_MESSAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class RejectReasonChoice:
    """``text`` is what the field for words to the customer starts with."""

    value: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Rejection:
    reason: str
    message: str


def whole(text: str, *, digits: int = 9) -> int | None:
    """A typed number of at most so many of ASCII's digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def number(data: QueryDict, name: str) -> int:
    """The number that a form carries under this name. Raises ``Invalid`` where it has none."""
    found = whole(data.get(name, ""))
    if found is None:
        raise Invalid(f"the form names no {name}", code="form_incomplete")
    return found


def version(data: QueryDict) -> int:
    """The version of the refund that the person had before them."""
    try:
        found = int(data.get("version", ""))
    except ValueError as error:
        raise Invalid("the form names no version", code="form_incomplete") from error
    if not 0 <= found < 2**31:
        raise Invalid("no version is so large", code="form_incomplete")
    return found


def account(data: QueryDict, prefix: str) -> Account:
    """The account in the fields of this prefix, complete or not."""
    return Account(
        holder_name=person_name(data.get(f"{prefix}_holder", ""))[:60],
        account_no=reference(data.get(f"{prefix}_account", ""))[:50],
        bank_name=person_name(data.get(f"{prefix}_bank", ""))[:60],
    )


def check_confirmed(data: QueryDict) -> None:
    """The second step of what cannot be taken back or leaves the house. Raises ``Invalid`` where it was left out."""
    if data.get("confirmed") != "1":
        raise Invalid("the second step was left out", code="not_confirmed")


def amount_fen(text: str) -> int:
    """Exact fen of a typed amount. Raises ``Invalid`` whose code says what is wrong with it."""
    try:
        fen = fen_typed(text)
    except NotAnAmount as error:
        raise Invalid("not an amount", code=error.code) from error
    if fen <= 0:
        raise Invalid("not an amount above zero", code="amount_invalid")
    return fen


def phone(text: str) -> str:
    """A typed phone number in its normal form, empty for none. Raises ``Invalid``."""
    try:
        return phone_number(text) if text.strip() else ""
    except NotAPhone as error:
        raise Invalid("not a phone number", code="invalid_phone") from error


def approved_amount_fen(data: QueryDict) -> int | None:
    """The adjusted amount; None where the field was left empty: all that was asked for."""
    text = data.get("amount", "").strip()
    return amount_fen(text) if text else None


def moment(text: str, *, code: str = "moment_invalid") -> datetime:
    """A typed day and time, of the store's clocks."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise Invalid("not a day and time", code=code) from error


def rejection(data: QueryDict) -> Rejection:
    message = data.get("message", "").strip()[:_MESSAGE_MAX]
    if not message:
        raise Invalid("the customer must be told why", code="message_required")
    return Rejection(data.get("reason_code", ""), message)


def information_wanted(data: QueryDict, *, language: str) -> str:
    """The words to the customer: the chosen items in their language, then what the reviewer wrote."""
    message = data.get("message", "").strip()
    with _in(language):
        items = [str(INFO_ITEMS[item]) for item in data.getlist("items") if item in INFO_ITEMS]
        asked = gettext("Please send us: %(items)s.") % {"items": gettext(", ").join(items)} if items else ""
    text = "\n".join(part for part in (asked, message) if part)[:_MESSAGE_MAX]
    if not text:
        raise Invalid("say what is missing", code="message_required")
    return text


def reject_reasons(*, language: str = "") -> list[RejectReasonChoice]:
    """The reasons in the reader's language, each with words to the customer in theirs (by default the reader's, too)."""
    with _in(language or translation.get_language() or ""):
        texts = {reason: str(text) for reason, text in _SUGGESTIONS.items()}
    return [RejectReasonChoice(item.value, str(item.label), texts[item]) for item in RejectReason]


def _in(language: str) -> translation.override:
    """The one of our two languages that this one is closest to."""
    return translation.override("en" if language.lower().startswith("en") else "zh-hans")


def info_items() -> list[Choice]:
    return [Choice(value, str(label)) for value, label in INFO_ITEMS.items()]
