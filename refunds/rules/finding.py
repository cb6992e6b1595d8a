"""What a static analysis of a policy says: what is wrong, where, a request that shows it, and what would mend it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import KW_ONLY, asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.money import yuan_grouped
from merchants.models.staff import Role
from refunds.states import Reason, Route
from terminals.models.transaction import Funding


class Defect(StrEnum):
    """What kind of thing is wrong."""

    HOLE = "hole"
    CONFLICT = "conflict"
    NEVER_FIRES = "never_fires"
    NOT_MONOTONE = "not_monotone"
    BELOW_STATUTE = "below_statute"
    NO_RULE = "no_rule"


class Severity(StrEnum):
    """``error``: publishing it would be a mistake; ``warning``: it does not say what it seems to; ``note``: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


#: Stands for a value that is taken out.
REMOVED = object()


@dataclass(frozen=True, slots=True)
class Change:
    """The value at ``path`` of the rules' JSON becomes another; ``REMOVED`` takes it out."""

    path: tuple[str | int, ...]
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that shows it. Empty: any. ``remote``: sold at a distance."""

    amount_fen: int
    paid_fen: int
    reason: str = ""
    store: str = ""
    group: str = ""
    route: str = Route.ORIGINAL
    funding: str = Funding.BALANCE
    days: int = 0
    remote: bool = False

    def as_json(self) -> dict[str, Any]:
        return {name: value if isinstance(value, int) else str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` names the sentence, ``path`` where in the rules it is; ``repair`` is applied by ``repaired``."""

    code: str
    _: KW_ONLY
    path: str
    example: Example
    repair: tuple[Change, ...]
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def defect(self) -> Defect:
        return _CATALOGUE[self.code][0]

    @property
    def severity(self) -> Severity:
        return _CATALOGUE[self.code][1]

    @property
    def explanation(self) -> str:
        """In the reader's language."""
        values = {name: _shown(name, value) for name, value in self.values.items()}
        return str(_CATALOGUE[self.code][2]) % values

    @property
    def proposal(self) -> str:
        """What the repair does, in the reader's language."""
        values = {name: _shown(name, value) for name, value in self.values.items()}
        return str(_CATALOGUE[self.code][3]) % values


def _shown(name: str, value: object) -> str:
    if value is None:
        return gettext("any amount")
    if name.endswith("_fen") and isinstance(value, int):
        return f"¥{yuan_grouped(value)}"
    if isinstance(value, tuple | list | frozenset):
        return gettext(", ").join(_shown(name, one) for one in value)
    if name in ("reason", "reasons") and value in Reason.values:
        return str(Reason(value).label)
    if name in ("role", "roles") and value in Role.values:
        return str(Role(value).label)
    if name == "route" and value in Route.values:
        return str(Route(value).label)
    return str(value)


_D, _S = Defect, Severity
#: code: (kind, severity, what is wrong, what the repair does)
_CATALOGUE: Mapping[str, tuple[Defect, Severity, Promise, Promise]] = {
    "reason_without_rule": (
        _D.NO_RULE,
        _S.NOTE,
        _("The policy says nothing of “%(reason)s”: every such request goes to a person."),
        _("Say it: a rule for this reason that sends each to a person."),
    ),
    "reason_partly_without_rule": (
        _D.NO_RULE,
        _S.NOTE,
        _("The policy speaks of “%(reason)s” in some stores or article groups only: all others go to a person."),
        _("Say it: a rule for this reason that sends each to a person."),
    ),
    "tier_without_decider": (
        _D.HOLE,
        _S.ERROR,
        _("Nobody may decide amounts from %(from_fen)s to %(to_fen)s: no role of tier %(tier)s may approve."),
        _("Give tier %(tier)s the roles %(roles)s."),
    ),
    "no_tier_above": (
        _D.HOLE,
        _S.ERROR,
        _("No tier covers amounts from %(from_fen)s on."),
        _("The last tier, %(tier)s, decides any amount."),
    ),
    "original_not_allowed": (
        _D.HOLE,
        _S.ERROR,
        _("Nothing goes back to the card or the wallet that paid: the original route is not allowed."),
        _("Allow the original route."),
    ),
    "exceptions_disagree": (
        _D.CONFLICT,
        _S.ERROR,
        _(
            "Exceptions %(first)s and %(second)s hold for one case equally closely and say different things (%(fields)s): only "
            "their order decides."
        ),
        _("Where both hold, exception %(second)s leaves this to exception %(first)s, as it is today."),
    ),
    "approved_past_four_eyes": (
        _D.CONFLICT,
        _S.ERROR,
        _("Above %(limit_fen)s two people approve, but up to %(single_fen)s no person is asked at all."),
        _("Nothing above %(limit_fen)s is approved without a person."),
    ),
    "exception_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("Exception %(number)s can never fire: %(why)s."),
        _("Take exception %(number)s out."),
    ),
    "reason_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("There is no reason “%(code)s”: its rule can never fire."),
        _("Take the rule out."),
    ),
    "tier_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("Tier %(tier)s is never reached: %(why)s."),
        _("Take this tier out."),
    ),
    "instant_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("“%(reasons)s” counts as simple, but no request is ever approved without a person (%(lines)s)."),
        _("Say that a person looks at each."),
    ),
    "limit_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("The limit %(name)s of %(limit_fen)s is never reached: %(by)s stops at %(at_fen)s before it."),
        _("Bring the limit down to %(at_fen)s."),
    ),
    "limit_without_effect": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("The limit of one refund for “%(reason)s” never counts: a person looks at each such request anyway."),
        _("Take the limit out."),
    ),
    "rule_never_met": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("No request can ever meet the rule for “%(reason)s”: its extent and its shares contradict each other."),
        _("Change %(name)s so that they agree."),
    ),
    "route_never_fires": (
        _D.NEVER_FIRES,
        _S.WARNING,
        _("The rule for the route “%(route)s” can never fire: %(why)s."),
        _("Take the rule out."),
    ),
    "higher_tier_lower_role": (
        _D.NOT_MONOTONE,
        _S.ERROR,
        _("%(roles)s may decide amounts of tier %(tier)s, but not the smaller ones of tier %(below)s."),
        _("Tier %(tier)s is decided only by roles that decide tier %(below)s, too."),
    ),
    "more_money_less_scrutiny": (
        _D.NOT_MONOTONE,
        _S.ERROR,
        _("%(lower_fen)s is looked at more closely than %(higher_fen)s, all else being equal."),
        _("The tiers are put in order of their limits."),
    ),
    "below_statute": (
        _D.BELOW_STATUTE,
        _S.ERROR,
        _("The law goes further than this rule for “%(reason)s” (%(line)s): where it applies, the law holds."),
        _("The rule says what the law says."),
    ),
    "below_statute_at_a_distance": (
        _D.BELOW_STATUTE,
        _S.WARNING,
        _("The law goes further than this rule for “%(reason)s” (%(line)s) where a sale was made at a distance."),
        _("The rule says what the law says, in the store as well."),
    ),
}


def repaired(data: Mapping[str, Any], finding: Finding) -> dict[str, Any]:
    """The rules' JSON with the finding's repair in it; ``data`` stays as it is."""
    after = deepcopy(dict(data))
    for change in finding.repair:
        *way, last = change.path
        at: Any = after
        for step in way:
            at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
        if change.value is REMOVED:
            del at[last]
        else:
            at[last] = change.value
    return after
