"""The catalogue of codes: everything that RefundDesk refuses or fails with, each code once.

An error carries its code and a line for the log (``core.errors``); what a person or a client reads about it stands here and
nowhere else. Problem documents and their page, the desk's messages and the customer's page all read it. A new code is an entry
in its room's module beside this one; ``tests/architecture/test_codes.py`` holds the entry and its ``raise`` together.
"""

from typing import Final

from django.utils.functional import Promise

from core.codes import (
    calls,
    desk,
    fields,
    files,
    goods,
    payouts,
    people,
    policy,
    reconciliation,
    review,
    sales,
    settings,
    till,
)
from core.codes.code import Code
from core.errors import DomainError, FieldError
from core.plain_text import sentences

#: What a call of the API may be answered with. Those that people meet as well have a sentence.
PROBLEMS: Final[tuple[Code, ...]] = tuple(
    code for room in (calls, files, sales, policy, review, payouts, goods, till) for code in room.PROBLEMS
)
#: Codes of single fields, inside ``errors``.
FIELDS: Final[tuple[Code, ...]] = fields.FIELDS
#: What only people are told, on the desk, on the customer's page or at a terminal of ours.
REFUSALS: Final[tuple[Code, ...]] = tuple(
    code for room in (desk, payouts, people, policy, settings, reconciliation) for code in room.REFUSALS
)
CODES: Final = {code.name: code for code in (*PROBLEMS, *FIELDS, *REFUSALS)}


def words(code: str) -> str:
    """The sentence for people, in the reader's language."""
    entry = CODES[code]
    return str(entry.title if entry.sentence is None else entry.sentence)


def words_for(error: DomainError) -> str:
    """The same for a refusal, and what it says of a field in words of its own under that code. A code that comes from outside,
    such as a channel's, is told as what the error is here.
    """
    said = words(error.code if error.code in CODES else type(error).code)
    own = (str(one.message) for one in error.errors if isinstance(one.message, Promise) and one.code == error.code)
    return sentences(said, *own)


def words_of_field(error: FieldError) -> str:
    """The sentence beside a field, in the reader's language."""
    own = isinstance(error.message, Promise) or error.code not in CODES
    return str(error.message) if own else words(error.code)
