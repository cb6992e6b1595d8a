"""Who is at the desk."""

from uuid import uuid4

from refunds.review import presence


def test_here_is_who_came_and_did_not_go() -> None:
    for pk in (1, 2):
        presence.come(pk)
    presence.go(2)
    assert presence.here([1, 2, 3]) == {1}
    assert presence.here([]) == frozenset()


def test_next_is_one_persons_until_they_let_it_go() -> None:
    one, other = uuid4(), uuid4()
    assert presence.take(one, staff_id=1)
    assert not presence.take(one, staff_id=2)
    assert presence.taken([one, other], but=2) == {one}
    assert presence.taken([one, other], but=1) == frozenset()
    presence.let_go(one, staff_id=2)
    assert not presence.take(one, staff_id=2)
    presence.let_go(one, staff_id=1)
    assert presence.take(one, staff_id=2)
