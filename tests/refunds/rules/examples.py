"""How many random orders a property is tried on: a few hundred in ``make test``, ``EXAMPLES`` of them in ``make properties``."""

from __future__ import annotations

import os

from hypothesis import settings

EXAMPLES = int(os.environ.get("EXAMPLES", "300"))

on_many = settings(max_examples=EXAMPLES, deadline=None)
