"""How far two people agree, beyond chance."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """``share`` of the ``n`` pairs agree; ``kappa`` is Cohen's: 1 always, 0 as often as by chance, None where both always say the
    same one thing, so that chance agrees as well.
    """

    n: int
    share: float
    kappa: float | None


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement | None:
    """Of what a first and a second person said, each time about the same; None without any.

    J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960).
    """
    said = list(pairs)
    if not said:
        return None
    n = len(said)
    observed = sum(first == second for first, second in said) / n
    firsts, seconds = [first for first, _ in said], [second for _, second in said]
    chance = sum(firsts.count(one) * seconds.count(one) for one in {*firsts, *seconds}) / n**2
    return Agreement(n, observed, None if chance == 1 else (observed - chance) / (1 - chance))
