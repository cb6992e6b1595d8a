"""Write ``docs/channel-codes.md``: what each channel's codes mean to us, from the adapters' own tables.

    python -m payment_channels.codes_page

A test fails while the page is not what this writes.
"""

from pathlib import Path

from payment_channels.alipay.errors import LISTS as ALIPAY
from payment_channels.contract import Retry
from payment_channels.rules import CodeList, Rule
from payment_channels.unionpay.errors import LISTS as UNIONPAY
from payment_channels.wechat.errors import LISTS as WECHAT

PAGE = Path(__file__).parent.parent / "docs" / "channel-codes.md"
LISTS: dict[str, tuple[CodeList, ...]] = {"wechat": WECHAT, "alipay": ALIPAY, "unionpay": UNIONPAY}
_TITLES = {"wechat": "WeChat Pay", "alipay": "Alipay", "unionpay": "UnionPay"}
_DONE_ABOUT = {
    None: "proves nothing: the query decides",
    Retry.NEVER: "refused: a person changes something first",
    Retry.NEW_NUMBER: "refused: a further attempt needs a new number",
    Retry.SAME_NUMBER: "not accepted: the same number again",
    Retry.LATER: "not accepted now: the same number again by itself, a limited number of times",
    Retry.AFTER_TOP_UP: "held: goes on by itself after a top-up",
    Retry.AFTER_MENDING: "held, with an alarm: goes on by itself once our account is mended",
}
_HEAD = """# Codes of the channels

Made by `python -m payment_channels.codes_page` from `payment_channels/<channel>/errors.py`; do not edit. The vendors'
lists, as far as public copies have them, are held against these tables in `tests/payment_channels/test_codes_page.py`;
`tests/payment_channels/vendors_codes.py` names what is inferred. An application answered with a code that is in no list proves
nothing: the query decides, the same number goes out again a few times, then a person decides with the channel's own words.
"""


def render() -> str:
    """The page."""
    parts = [_HEAD]
    for channel, lists in LISTS.items():
        parts.append(f"\n## {_TITLES[channel]}\n")
        for entry in lists:
            parts.append(
                f"\n### {entry.operation}\n\nSource: {entry.source}\n\n| code | meaning | what follows |\n|---|---|---|\n"
            )
            parts.extend(
                f"| `{code}` | {entry.rules[code].meaning} | {_follows(entry.rules[code])} |\n" for code in entry.codes
            )
    return "".join(parts)


def _follows(rule: Rule) -> str:
    if rule.throttled:
        return "not accepted: the same number again, more slowly"
    return _DONE_ABOUT[rule.retry]


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
