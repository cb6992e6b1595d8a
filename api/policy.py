"""The rules in force, in words, for a terminal's screen."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.views import Endpoint
from core.money import yuan_grouped
from merchants import policies
from merchants.policies.fields import Extent
from merchants.policies.rules import ReasonRule, RouteRule, Rules
from merchants.rights import Act
from refunds.states import BY_HAND, Reason, Route
from terminals.models.transaction import Funding


class PolicyInForce(Endpoint):
    acts = {"GET": Act.SEE_POLICY}

    @extend_schema(operation_id="get_policy", responses={200: schemas.PolicyOut, **schemas.READ_PROBLEMS})
    def get(self, request: Request) -> Response:
        """The rules that judge a request made now."""
        version = policies.in_force(merchant_id=self.caller.merchant_id, at=timezone.now())
        rules = policies.rules_of(version.pk)
        return Response(
            schemas.PolicyOut.of(
                version,
                auto_approve_limit_fen=rules.auto_approve_limit_fen,
                auto_order_limit_fen=rules.order_limit_fen,
                auto_customer_day_limit_fen=rules.customer_day_limit_fen,
                auto_cashier_day_count=rules.auto_cashier_day_count,
                auto_key_day_count=rules.auto_key_day_count,
                auto_key_day_fen=rules.auto_key_day_fen,
                plan_rule=rules.plan_rule,
                tranche_fen=rules.tranche_fen,
                confirm_payment_above_fen=rules.confirm_payment_above_fen,
                summary=_summary(rules),
                reasons=[
                    {"reason": code, "label": str(Reason(code).label), "words": _words(rule)}
                    for code, rule in rules.reasons.items()
                ],
                routes=[
                    {
                        "route": route,
                        "label": str(Route(route).label),
                        "words": _route_words(rules.route_rule(route)) if route in BY_HAND else "",
                    }
                    for route in rules.routes
                    if route in Route.values
                ],
            )
        )


def _summary(rules: Rules) -> str:
    """Who is refunded at once, and what all refunds together may come to: ``…; in all: up to ¥50.00 of an order, …``."""
    at_once = gettext("Up to ¥%(limit)s and for a simple reason: refunded at once. Otherwise a person decides.") % {
        "limit": yuan_grouped(rules.auto_approve_limit_fen)
    }
    in_all = gettext(
        "A person also decides beyond ¥%(order)s of one order, ¥%(customer)s of one customer in a day,"
        " or %(count)s refunds of one cashier in a day."
    ) % {
        "order": yuan_grouped(rules.order_limit_fen),
        "customer": yuan_grouped(rules.customer_day_limit_fen),
        "count": rules.auto_cashier_day_count,
    }
    return f"{at_once} {in_all}"


def _words(rule: ReasonRule) -> str:
    extent = {
        Extent.FULL: gettext("full amount only"),
        Extent.PARTIAL: gettext("part of the amount, up to %(share)s%%") % {"share": rule.max_share_percent},
        Extent.ANY: gettext("all or part of the amount"),
        Extent.NONE: gettext("nothing without a person"),
    }[Extent(rule.extent)]
    within = gettext("within %(days)s days") % {"days": rule.window_days}
    return f"{extent}, {within}"


def _route_words(rule: RouteRule) -> str:
    """What a route is for: ``paid with: Cash; up to ¥200.00``; empty where it takes everything."""
    labels = [str(Funding(name).label) for name in sorted(rule.fundings or ()) if name in Funding.values]
    parts = [gettext("paid with: %(fundings)s") % {"fundings": gettext(", ").join(labels)}] if labels else []
    if rule.limit_fen is not None:
        parts.append(gettext("up to ¥%(limit)s") % {"limit": yuan_grouped(rule.limit_fen)})
    return "; ".join(parts)
