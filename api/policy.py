"""The rules in force, in words, for a terminal's screen, and the history of their versions."""

from typing import Any

from django.utils.translation import get_language
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas, schemas_policy
from api.fields import with_fields
from api.pagination import NewestFirst
from api.schemas_policy import PolicyOut, RuleSectionOut
from api.views import Endpoint
from core import clock
from merchants import policies
from merchants.models import PolicyVersion
from merchants.policies import guides, reviewing, versions
from merchants.rights import Act
from refunds.rules import in_words
from refunds.states import BY_HAND, Reason, Route


class PolicyInForce(Endpoint):
    acts = {"GET": Act.SEE_POLICY}

    @schemas.operation("get_policy", PolicyOut)
    def get(self, request: Request) -> Response:
        """The rules that judge a request made now."""
        now, merchant_id = clock.now(), self.caller.merchant_id
        version = policies.in_force(merchant_id=merchant_id, at=now)
        rules = policies.rules_of(version.pk)
        return Response(
            PolicyOut.of(
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
                summary=in_words.summary(rules),
                reasons=[
                    {"reason": code, "label": str(code.label), "words": in_words.reason_words(rules.reasons[code])}
                    for code in Reason
                    if code in rules.reasons
                ],
                routes=[
                    {
                        "route": route,
                        "label": str(Route(route).label),
                        "words": in_words.route_words(rules.route_rule(route)) if route in BY_HAND else "",
                    }
                    for route in rules.routes
                    if route in Route.values
                ],
                sections=RuleSectionOut.all_of(in_words.sections(version.rules)),
                guides=guides_json(version),
                review_due_date=reviewing.standing(merchant_id=merchant_id, at=now).due_date.isoformat(),
            )
        )


class PolicyVersions(Endpoint):
    acts = {"GET": Act.SEE_POLICY}

    query = with_fields(schemas_policy.PolicyVersionOut)

    @schemas.operation(
        "list_policy_versions", schemas.page_of(schemas_policy.PolicyVersionOut), pages=True, query=query
    )
    def get(self, request: Request) -> Response:
        """Every version of the rules, those published last first, coming ones included."""
        found = versions.of_merchant(merchant_id=self.caller.merchant_id)
        return self.rows(request, found, self.query, schemas_policy.PolicyVersionOut, order=NewestPublishedFirst)


class NewestPublishedFirst(NewestFirst):
    field = "published_at"


class PolicyVersionDetail(Endpoint):
    acts = {"GET": Act.SEE_POLICY}

    @schemas.operation("get_policy_version", schemas_policy.PolicyVersionDetailOut)
    def get(self, request: Request, number: int) -> Response:
        """One version: its rules in words and as data, and what it changed."""
        version = versions.version_numbered(merchant_id=self.caller.merchant_id, number=number)
        return Response(version_json(version))


def version_json(version: PolicyVersion) -> dict[str, Any]:
    """One version with all that belongs to it."""
    before = versions.of_merchant(merchant_id=version.merchant_id).filter(number__lt=version.number).first()
    changes = (
        in_words.changes(before.rules, version.rules, old_guides=before.guides, new_guides=version.guides)
        if before
        else []
    )
    return schemas_policy.PolicyVersionDetailOut.of(
        version,
        sections=RuleSectionOut.all_of(in_words.sections(version.rules)),
        changes=schemas_policy.PolicyChangeOut.all_of(changes),
    )


def guides_json(version: PolicyVersion) -> list[dict[str, str]]:
    """The guides that there are, in the reader's language."""
    language = get_language() or ""
    told = {kind: guides.text_of(version.guides, kind, language=language) for kind in in_words.KINDS}
    return [{"kind": kind, "label": str(in_words.KINDS[kind]), "text": text} for kind, text in told.items() if text]
