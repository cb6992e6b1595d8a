"""How the pages write things: money, instants, states, the clock. Registered as template builtins in the settings."""

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import segno
from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from lucide.templatetags.lucide import lucide

from core import codes
from core.audit.actors import CUSTOMER
from core.money import capital_yuan, yuan_grouped
from core.plain_text import colon, listed
from core.quantities import quantity_text
from desk.people import Person
from merchants import channels

register = template.Library()

#: What stands where there is nothing.
NOTHING = "--"

#: Seconds left at which the clock turns amber and red.
AMBER_BELOW_S, RED_BELOW_S = 20 * 60, 10 * 60

#: Channels with a colour of their own in the stylesheet.
_COLOURED = frozenset({"wechat", "alipay", "unionpay", "ecny", "cash", "card"})

#: state -> (tone, icon). A state is never told by colour alone: the label and the icon say it too.
_STATES = {
    "submitted": ("info", "clock"),
    "verifying": ("info", "clock"),
    "needs_info": ("", "hourglass"),
    "waiting_goods": ("", "hourglass"),
    "waiting_vendor": ("", "hourglass"),
    "in_review": ("info", "clock"),
    "approved": ("accent", "check"),
    "rejected": ("bad", "circle-x"),
    "cancelled": ("", "circle-slash"),
    "executing": ("info", "send"),
    "unknown": ("warn", "circle-question-mark"),
    "manual_pending": ("warn", "hand-coins"),
    "failed": ("bad", "circle-alert"),
    "partially_refunded": ("ok", "circle-dashed"),
    "refunded": ("ok", "circle-check"),
    "follow_up": ("ok", "circle-check"),
    "closed": ("", "circle-check"),
}

_TIMELINE_ICONS = {
    "person": "user",
    "customer": "message-square-text",
    "system": "cpu",
    "channel": "radio-tower",
    "message": "send",
    "warning": "triangle-alert",
    "money": "circle-check",
}

_NOTICE_ICONS = {"sms": "message-square-text", "email": "mail", "wechat": "message-circle", "webhook": "webhook"}

_RULE_ICONS = {"pass": "circle-check", "flag": "triangle-alert", "fail": "circle-x", "info": "info"}
_RULE_WORDS = {"pass": _("passed"), "flag": _("flagged"), "fail": _("not passed"), "info": _("for information")}


# --- text ---------------------------------------------------------------------------------------------------------


@register.filter
def yuan(fen: int | None) -> str:
    """``26800`` -> ``268.00`` with separators; nothing -> ``--``."""
    return NOTHING if fen is None else yuan_grouped(fen)


@register.filter
def quantity(value: Decimal) -> str:
    """``1`` and ``0.356``; nothing of it -> ``--``."""
    return quantity_text(value) if value else NOTHING


@register.filter
def yuan_sign(fen: int | None) -> str:
    """``26800`` -> ``¥268.00``."""
    if fen is None:
        return NOTHING
    return f"-¥{yuan_grouped(-fen)}" if fen < 0 else f"¥{yuan_grouped(fen)}"


@register.filter
def yuan_plain(fen: int | None) -> str:
    """``123400`` -> ``1234.00``: what an input field holds."""
    return "" if fen is None else yuan_grouped(fen).replace(",", "")


@register.filter
def yuan_capital(fen: int) -> str:
    """``26800`` -> ``贰佰陆拾捌元整``, as vouchers spell amounts."""
    return capital_yuan(fen=fen)


@register.filter
def when(instant: datetime | None) -> str:
    """``2026-11-22 14:30:06`` in the project's time zone; nothing -> ``--``."""
    return _local(instant, "%Y-%m-%d %H:%M:%S")


@register.filter
def when_minute(instant: datetime | None) -> str:
    """``11-22 14:30``."""
    return _local(instant, "%m-%d %H:%M")


@register.filter
def when_second(instant: datetime | None) -> str:
    """``11-22 14:30:06``."""
    return _local(instant, "%m-%d %H:%M:%S")


@register.filter
def when_day(instant: datetime | None) -> str:
    """``2026-11-22``."""
    return _local(instant, "%Y-%m-%d")


@register.filter
def when_time(instant: datetime | None) -> str:
    """``14:30:06``."""
    return _local(instant, "%H:%M:%S")


def _local(instant: datetime | None, pattern: str) -> str:
    return NOTHING if instant is None else timezone.localtime(instant).strftime(pattern)


@register.filter
def epoch(instant: datetime) -> int:
    """Whole seconds since 1970, what the page's timers count with."""
    return int(instant.timestamp())


@register.filter
def dash(value: object) -> object:
    """The value, or ``--`` for None and the empty text. Zero stays zero."""
    return NOTHING if value is None or value == "" else value


@register.filter
def percent(value: float | None) -> str:
    """``97.6`` -> ``97.6%``."""
    return NOTHING if value is None else f"{value:.1f}%"


@register.filter
def rate(value: float | None) -> str:
    """``1.857`` -> ``1.86%``: rates are small, so they get one figure more."""
    return NOTHING if value is None else f"{value:.2f}%"


@register.filter
def seconds(value: float | None) -> str:
    """A duration in words: ``372`` -> ``6 min 12 s``."""
    if value is None:
        return NOTHING
    minutes, rest = divmod(int(value), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours >= 48:
        days = hours // 24
        return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes_of_hour}
    if minutes and not rest:
        return gettext("%(minutes)s min") % {"minutes": minutes}
    if minutes:
        return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return gettext("%(seconds)s s") % {"seconds": rest}


@register.filter
def stopwatch(value: float | None) -> str:
    """A duration as a clock: ``372`` -> ``6:12``."""
    if value is None:
        return NOTHING
    minutes, rest = divmod(int(value), 60)
    return f"{minutes}:{rest:02d}"


register.filter("listed", listed)


@register.filter
def looking(names: Sequence[str]) -> str:
    """``陈佳 is looking at it``."""
    return gettext("%(names)s is looking at it") % {"names": listed(names)}


@register.filter
def pieces(n: int) -> str:
    """How much evidence there is."""
    return ngettext("%(n)s piece of evidence", "%(n)s pieces of evidence", n) % {"n": n}


@register.filter
def short_number(number: str) -> str:
    """A long channel number with its middle left out; the whole of it goes with the copy button."""
    return number if len(number) <= 18 else f"{number[:8]}…{number[-6:]}"


# --- marks --------------------------------------------------------------------------------------------------------


@register.simple_tag
def columns(*names: str, right: str = "", unseen: str = "") -> SafeString:
    """The heads of a table's columns. Those that ``right`` numbers, from 1, are of figures; those that ``unseen`` numbers are
    read out only, as their cells say by themselves what they are.
    """
    return format_html_join(
        "",
        '<th scope="col"{}>{}</th>',
        (
            (
                mark_safe(' class="right"') if str(place) in right.split() else "",
                format_html('<span class="sr">{}</span>', name) if str(place) in unseen.split() else name,
            )
            for place, name in enumerate(names, 1)
        ),
    )


@register.simple_tag
def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """A lucide icon, inlined and silent to screen readers. An unknown name raises."""
    return _icon(name, size, css)


@functools.lru_cache(maxsize=512)
def _icon(name: str, size: int, css: str) -> SafeString:
    classes = f"i {css}".strip()
    markup = lucide(name, size=size, aria_hidden="true", focusable="false", **{"class": classes})
    return mark_safe(" ".join(markup.split()))  # noqa: S308 - drawn by the icon package from its own files


@register.simple_tag
def channel_mark(channel: str) -> SafeString:
    """The channel's lettered square with its name for screen readers and as a tooltip."""
    name = channels.label(channel)
    return format_html(
        '<span class="ch {}" title="{}"><span aria-hidden="true">{}</span><span class="sr">{}</span></span>',
        channel if channel in _COLOURED else "other",
        name,
        channels.letter(channel),
        name,
    )


@register.simple_tag
def channel_marks(several: Iterable[str]) -> SafeString:
    """The squares of several channels beside one another."""
    return format_html_join("", "{}", ((channel_mark(channel),) for channel in several))


register.filter("channel_name", channels.label)
#: ``{% said "not_given_up" %}``: the catalogue's sentence for a code.
register.simple_tag(codes.words, name="said")


@register.simple_tag
def badge(label: str, tone: str = "", icon_name: str = "") -> SafeString:
    """A small label; ``tone`` is ok, warn, bad, info, accent or nothing."""
    mark = _icon(icon_name, 13, "") if icon_name else ""
    return format_html('<span class="badge {}">{}{}</span>', tone, mark, label)


@register.simple_tag
def state_badge(state: str, label: str) -> SafeString:
    """A refund's state with its own tone and icon."""
    tone, icon_name = _STATES.get(state, ("", "circle"))
    return badge(label, tone, icon_name)


@register.simple_tag
def verdict_badge(decision: str, tier: int = 0, state: str = "in_review") -> SafeString:
    """What the policy makes of a request, in the words of the queue."""
    if state == "needs_info":
        return badge(gettext("Waiting for customer"), "", "hourglass")
    if decision == "approve":
        return badge(gettext("Approval suggested"), "ok", "circle-check")
    if decision == "refuse":
        return badge(gettext("Against the policy"), "bad", "shield-x")
    if tier >= 2:
        return badge(gettext("Second tier"), "accent", "users")
    return badge(gettext("Needs review"), "warn", "user-search")


@register.simple_tag
def avatar(person: Person | None, size: str = "") -> SafeString:
    """A person's initial in their colour, or the mark of an unclaimed row for None."""
    if person is None:
        name = gettext("Unclaimed")
        return format_html(
            '<span class="avatar none" title="{}">{}<span class="sr">{}</span></span>',
            name,
            _icon("user-round-plus", 13, ""),
            name,
        )
    return format_html(
        '<span class="avatar {} {}" title="{}"><span aria-hidden="true">{}</span><span class="sr">{}</span></span>',
        person.tone,
        size,
        person.name,
        person.initial,
        person.name,
    )


@register.filter
def timeline_icon(kind: str) -> str:
    return _TIMELINE_ICONS.get(kind, "circle")


@register.filter
def notice_icon(kind: str) -> str:
    return _NOTICE_ICONS.get(kind, "bell")


@register.filter
def rule_icon(outcome: str) -> str:
    return _RULE_ICONS.get(outcome, "info")


@register.filter
def rule_word(outcome: str) -> str:
    """The outcome of a rule for those who do not see its icon."""
    return str(_RULE_WORDS.get(outcome, outcome))


# --- the clock ----------------------------------------------------------------------------------------------------


@register.simple_tag
def clock(due_at: datetime | None, now: datetime, target_s: int, paused: bool = False, big: bool = False) -> SafeString:  # noqa: FBT001, FBT002 - a template tag's arguments are positional
    """The ring and the time left, both kept going by ``clock.js`` from the data attributes.

    ``target_s`` is the whole allowance in seconds; the ring shows how much of it is used.
    """
    if paused:
        return format_html(
            '<span class="sla">{}<span>{}</span></span>', _icon("pause", 16, ""), gettext("Clock paused")
        )
    if due_at is None:
        return format_html('<span class="sla muted">{}</span>', NOTHING)
    left_s = int((due_at - now).total_seconds())
    return format_html(
        '<span class="sla {}" data-due="{}" data-target="{}"><svg class="ring" viewBox="0 0 18 18" width="18" height="18"'
        ' aria-hidden="true" focusable="false"><circle class="track" cx="9" cy="9" r="7"></circle>'
        '<circle class="fill" cx="9" cy="9" r="7" pathLength="100" stroke-dasharray="{} 100" transform="rotate(-90 9 9)">'
        '</circle></svg><span class="sr">{}</span><span class="{}" data-left>{}</span></span>',
        clock_level(left_s),
        epoch(due_at),
        target_s,
        used_share(left_s=left_s, target_s=target_s),
        gettext("Time left:"),
        "sla-big" if big else "left",
        time_left(left_s),
    )


@register.simple_tag
def clock_tone(due_at: datetime | None, now: datetime) -> str:
    """``warn`` or ``bad`` as the clock stands, for what surrounds it."""
    return "" if due_at is None else clock_level(int((due_at - now).total_seconds()))


@register.simple_tag
def clock_used(due_at: datetime, now: datetime, target_s: int) -> int:
    """The share of the allowance that is used, in percent."""
    return used_share(left_s=int((due_at - now).total_seconds()), target_s=target_s)


def clock_level(left_s: int) -> str:
    """The tone of the clock with so many seconds left."""
    if left_s < RED_BELOW_S:
        return "bad"
    return "warn" if left_s < AMBER_BELOW_S else ""


def used_share(*, left_s: int, target_s: int) -> int:
    """Percent of the allowance that is gone; at least 2, so that a ring is never empty."""
    if left_s <= 0 or target_s <= 0:
        return 100
    return max(2, min(100, round((1 - left_s / target_s) * 100)))


#: The words of the clock; ``clock.js`` gets the same from the page and must agree with ``time_left``.
CLOCK_WORDS = {
    "over": _("over {time}"),
    "just_over": _("just over"),
    "minutes": _("{m} min"),
    "hours": _("{h} h"),
    "hours_minutes": _("{h} h {m} min"),
    "days": _("{d} d {h} h"),
}


def time_left(left_s: int) -> str:
    """``1104`` -> ``18:24``; ``2520`` -> ``42 min``; ``-720`` -> ``over 12 min``."""
    words = {key: str(text) for key, text in CLOCK_WORDS.items()}
    if -60 < left_s < 0:
        return words["just_over"]
    if left_s < 0:
        return words["over"].replace("{time}", _span(-left_s, words))
    if left_s < 30 * 60:
        return f"{left_s // 60}:{left_s % 60:02d}"
    return _span(left_s, words)


def _span(total_s: int, words: dict[str, str]) -> str:
    minutes = total_s // 60
    hours, rest = divmod(minutes, 60)
    if hours >= 24:
        return words["days"].replace("{d}", str(hours // 24)).replace("{h}", str(hours % 24))
    if not hours:
        return words["minutes"].replace("{m}", str(minutes))
    # From two hours on the minutes no longer matter.
    if hours >= 2 or not rest:
        return words["hours"].replace("{h}", str(hours))
    return words["hours_minutes"].replace("{h}", str(hours)).replace("{m}", str(rest))


@register.simple_tag
def clock_words() -> SafeString:
    """The data attributes from which the script takes the clock's words."""
    pairs = ((key.replace("_", "-"), str(text)) for key, text in CLOCK_WORDS.items())
    return mark_safe(" ".join(format_html('data-clock-{}="{}"', key, text) for key, text in pairs))  # noqa: S308 - joined from escaped parts


#: What fields.js says of a field, in the page's language.
_FIELD_WORDS = {
    "fill-in": _("Fill this in."),
    "choose-one": _("Choose one."),
    "choose-a-file": _("Choose a file."),
    "tick-this": _("Tick this to go on."),
    "not-a-mail": _("Write a mail address, like name@example.com."),
    "not-a-day": _("Write a day like 2026-11-27."),
    "at-least": _("At least"),
    "at-most": _("At most"),
    "check-this": _("Look at this once more."),
    "choose-files": _("Choose files"),
    "open-camera": _("Open the camera"),
    "no-file": _("nothing chosen yet"),
}


@register.simple_tag
def field_words() -> SafeString:
    """The data attributes from which the script takes what it says of fields."""
    return format_html_join(" ", 'data-{}="{}"', ((key, str(text)) for key, text in _FIELD_WORDS.items()))


register.simple_tag(colon)


@register.filter
def actor(name: str) -> str:
    """Who did it, as rows keep the name: a customer has none."""
    return gettext("Customer") if name == CUSTOMER.name else name


@register.simple_tag
def day_field() -> SafeString:
    """What makes an ``<input>`` one for a day, in the page's language; fields.js puts a calendar beside it."""
    return format_html('type="text" data-day autocomplete="off" placeholder="{}"', gettext("yyyy-mm-dd"))


@register.simple_tag
def minute_field() -> SafeString:
    """The same for a day and a time."""
    return format_html('type="text" data-minute autocomplete="off" placeholder="{}"', gettext("yyyy-mm-dd hh:mm"))


@register.simple_tag
def html_lang() -> str:
    """``zh-Hans`` or ``en``: the language tag of the page, as BCP 47 writes it."""
    language = get_language() or "zh-hans"
    return "zh-Hans" if language.startswith("zh") else language


@register.simple_tag
def qr(text: str) -> SafeString:
    """A QR code as inline SVG without colours or styles of its own."""
    drawing = segno.make(text, error="m").svg_inline(scale=4, border=1, svgclass="qr", lineclass=None, omitsize=True)
    return mark_safe(drawing)  # noqa: S308 - drawn by the package; the text only becomes modules
