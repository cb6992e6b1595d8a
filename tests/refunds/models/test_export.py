"""A list that is taken away as a file."""

from refunds.models import ListExport


def test_export_says_which_list_it_is() -> None:
    assert str(ListExport(pk=7, page="refunds")) == "refunds 7"
