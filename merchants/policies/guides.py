"""The guide beside the form: what staff do step by step for each kind of refund, in both languages, versioned with the policy.

::

    {"goods_return": {"zh": "1. 核对小票 …", "en": "1. Compare the receipt …"}, ...}
"""

from collections.abc import Mapping
from typing import Any

from core.errors import Invalid

LANGUAGES = ("zh", "en")
LONGEST = 4_000


def checked(data: Any) -> dict[str, dict[str, str]]:
    """Guides as they are kept: without those that say nothing. Raises ``Invalid``."""
    if not isinstance(data, Mapping) or not all(isinstance(texts, Mapping) for texts in data.values()):
        raise Invalid("guides are texts by kind and language", code="guide_invalid")
    kept: dict[str, dict[str, str]] = {}
    for kind, texts in data.items():
        if set(texts) - set(LANGUAGES) or not all(isinstance(text, str) for text in texts.values()):
            raise Invalid("a guide has a text in zh and one in en", code="guide_invalid")
        if any(len(text) > LONGEST for text in texts.values()):
            raise Invalid(f"a guide has at most {LONGEST} characters", code="guide_invalid")
        said = {language: text for language in LANGUAGES if (text := texts.get(language, "").strip())}
        if said:
            kept[str(kind)] = said
    return kept


def text_of(guides: Mapping[str, Any], kind: str, *, language: str) -> str:
    """The guide of a kind in this language, or in the other one where only that is written; "" for none."""
    texts = guides.get(kind, {})
    first, second = LANGUAGES if language.startswith("zh") else reversed(LANGUAGES)
    return str(texts.get(first) or texts.get(second) or "")
