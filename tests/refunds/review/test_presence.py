"""Who is at the desk."""

from refunds.review import presence


def test_here_is_who_came_and_did_not_go() -> None:
    for pk in (1, 2):
        presence.come(pk)
    presence.go(2)
    assert presence.here([1, 2, 3]) == {1}
    assert presence.here([]) == frozenset()
