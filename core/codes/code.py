"""One entry of the catalogue, and the remedies that several share."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = Promise | str


@dataclass(frozen=True, slots=True)
class Code:
    """``status``: of HTTP; two where the same is found before and, at the same moment as others, while it is stored.

    ``title``: what happened. ``sentence``: what a person reads, with what to do; None where the title says it all.
    ``remedy``: what a client of the API does about it; names of code between backticks. ``field``: the field of a body that it
    is about, where whoever raises it does not know how the field is called there.
    """

    name: str
    status: int | tuple[int, ...]
    title: Text
    sentence: Text | None = None
    remedy: Text | None = None
    field: str = ""

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


READ_AGAIN = _("Read the request again and decide with what it says now; `state` and `version` are in this answer.")
MEND_BODY = _("Mend the body. Nothing was stored.")
