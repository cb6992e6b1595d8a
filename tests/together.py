"""Many asks of one kind in one test, which sets its scene once: what a page costs is a hundredth of what its scene does.

    with asked_together() as asked:
        for path in PATHS:
            with asked(path):
                assert client.get(path).status_code == 404

Each ask is undone after it, in the database and in the cache; the first that goes wrong does not hide the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from traceback import extract_tb
from typing import Any

from django.core.cache import cache
from django.db import transaction

Asked = Callable[..., AbstractContextManager[None]]
#: Further ones are counted only.
_SHOWN = 30


class rolled_back(transaction.Atomic):
    """Whatever happens inside is undone."""

    def __init__(self) -> None:
        super().__init__(None, True, False)

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        super().__exit__(None, None, None)


@contextmanager
def asked_together() -> Iterator[Asked]:
    """Fails at its end with a line for each ask that failed."""
    count, wrong = 0, list[str]()

    @contextmanager
    def asked(*what: object) -> Iterator[None]:
        nonlocal count
        count += 1
        try:
            with rolled_back():
                yield
        except Exception as error:
            line = extract_tb(error.__traceback__)[-1]
            wrong.append(f"{' '.join(map(str, what))}: {type(error).__name__} ({line.name}:{line.lineno}): {error}")
        finally:
            cache.clear()

    yield asked
    assert count, "nothing was asked"
    assert not wrong, "\n".join([*wrong[:_SHOWN], f"{len(wrong)} of {count}"])
