"""What surrounds every page of the desk."""

from __future__ import annotations

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

_NAVIGATION = re.compile(r'<nav class="nav".*?</nav>', re.DOTALL)
_CURRENT = re.compile(r'<a href="([^"]+)"[^>]*aria-current="page"')


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/desk", "/desk"),
        ("/desk/by-hand", "/desk/by-hand"),
        ("/desk/transfers", "/desk/by-hand"),
        ("/desk/search?q=zzz", "/desk/transactions"),
        ("/desk/settings", "/desk/settings"),
        ("/desk/settings/messages", "/desk/settings"),
        ("/desk/settings/personal-data", "/desk/settings"),
        ("/desk/settings/terminals", "/desk/settings/terminals"),
        ("/desk/developers", "/desk/developers"),
        ("/desk/developers/webhooks", "/desk/developers/webhooks"),
        ("/desk/team/work", "/desk/team"),
    ],
)
def test_navigation_says_where_one_is_once(owner: Client, path: str, entry: str) -> None:
    found = _NAVIGATION.search(owner.get(path).content.decode())
    assert found is not None
    assert _CURRENT.findall(found[0]) == [entry]
