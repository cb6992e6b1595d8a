"""Making a call and taking it back: to see whether it would be refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever the block does to the database is undone at its end; an error of it passes through."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
