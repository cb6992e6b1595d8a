"""The repair of a finding, written into its draft."""

from datetime import datetime

from core.errors import Conflict
from merchants.models import PolicyDraft
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.policies.rules import read_rules
from merchants.principals import Principal
from refunds.rules.finding import repaired
from refunds.rules.proof import findings


class FindingGone(Conflict, code="finding_gone"):
    """The draft does not have this finding any more."""


def repair(*, draft_id: int, revision: int, code: str, path: str, by: Principal, at: datetime) -> PolicyDraft:
    """Save the draft with one finding mended, upon the ``revision`` that it was seen in. Raises ``FindingGone`` and what
    ``drafting.write`` raises.
    """
    draft = drafting.draft_of(draft_id=draft_id, by=by)
    found = next((one for one in findings(read_rules(draft.rules)) if (one.code, one.path) == (code, path)), None)
    if found is None:
        raise FindingGone("the draft does not have this finding any more")
    written = Written(name=draft.name, rules=repaired(draft.rules, found), guides=draft.guides)
    return drafting.write(draft_id=draft_id, revision=revision, written=written, by=by, at=at)
