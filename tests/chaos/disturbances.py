"""What goes wrong in a chaos run: each takes the city and its dice, does one thing, and says what it did."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.faults.house import Channel, Child, House
from tests.faults.services import Broker

#: Faults that leave a refund to a person, who does not come in here. Of UnionPay's endings: codes that prove nothing.
_FOR_PEOPLE = frozenset(
    {"abnormal", "stale_abnormal", "ends_06", "ends_12", "ends_70", "ends_74", "ends_99", "ends_ZZ"}
)
#: Notices by the hundred tell nothing new after the first twenty.
_MORE: dict[str, dict[str, float]] = {
    "parallel": {"count": 20},
    "latency": {"delay_s": 0.5},
    "slow": {"delay_s": 1},
    "late": {"delay_s": 1},
}


@dataclass
class City:
    """Everything that runs, by role, so that it can be broken and mended."""

    house: House
    channels: dict[str, Channel]
    broker: Broker
    web: Child
    workers: list[Child]
    beat: Child
    faults: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name, channel in self.channels.items():
            known = [(row["operation"], row["fault"]) for row in channel.control("GET", "/faults")["faults"]]
            self.faults[name] = [
                (operation, fault)
                for operation, fault in known
                if operation in {"refund", "query", "notice"} and fault not in _FOR_PEOPLE
            ]

    def heal(self) -> None:
        """Nothing goes wrong any more, and everything runs."""
        for channel in self.channels.values():
            channel.control("DELETE", "/faults")
            channel.control("POST", "/balance", {"available_fen": None})
            channel.control("POST", "/settle", {})


Disturbance = Callable[[City, Random], str]


def channel_fault(city: City, dice: Random) -> str:
    name = dice.choice(sorted(city.channels))
    operation, fault = dice.choice(city.faults[name])
    times = dice.randint(1, 12)
    order: dict[str, object] = {"operation": operation, "fault": fault, "times": times, **_MORE.get(fault, {})}
    city.channels[name].control("POST", "/faults", order)
    return f"{name}: {times} x {operation} {fault}"


def balance_short(city: City, dice: Random) -> str:
    name = dice.choice(sorted(city.channels))
    available = dice.choice([0, 5_000, None])
    city.channels[name].control("POST", "/balance", {"available_fen": available})
    return f"{name}: balance {available}"


def channel_restarts(city: City, dice: Random) -> str:
    name = dice.choice(sorted(city.channels))
    channel = city.channels[name]
    channel.process.end()
    time.sleep(dice.uniform(0, 0.5))
    channel.start()
    return f"{name} was down"


def worker_killed(city: City, dice: Random) -> str:
    place = dice.randrange(len(city.workers))
    city.workers[place].kill()
    city.workers[place] = city.house.worker()
    return "kill -9 worker"


def worker_deployed(city: City, dice: Random) -> str:
    place = dice.randrange(len(city.workers))
    city.workers[place].end()
    city.workers[place] = city.house.worker()
    return "SIGTERM worker"


def worker_frozen(city: City, dice: Random) -> str:
    worker = dice.choice(city.workers)
    seconds = dice.uniform(0.5, 3.5)
    worker.send(signal.SIGSTOP)
    time.sleep(seconds)
    worker.send(signal.SIGCONT)
    return f"worker frozen for {seconds:.1f} s"


def web_killed(city: City, dice: Random) -> str:
    city.web.kill()
    city.web = city.house.web()
    return "kill -9 web"


def beat_killed(city: City, dice: Random) -> str:
    city.beat.kill()
    city.beat = city.house.beat()
    return "kill -9 beat"


def broker_emptied(city: City, dice: Random) -> str:
    city.broker.empty()
    return "broker emptied"


def broker_killed(city: City, dice: Random) -> str:
    city.broker.process.kill()
    time.sleep(dice.uniform(0, 2))
    city.broker.start()
    return "kill -9 broker"


def broker_frozen(city: City, dice: Random) -> str:
    seconds = dice.uniform(0.5, 6)
    city.broker.freeze()
    time.sleep(seconds)
    city.broker.thaw()
    return f"broker frozen for {seconds:.1f} s"


#: How often each is chosen, against the others.
WEIGHTS: dict[Disturbance, int] = {
    balance_short: 3,
    channel_restarts: 2,
    worker_killed: 3,
    worker_deployed: 1,
    worker_frozen: 1,
    web_killed: 2,
    beat_killed: 1,
    broker_emptied: 2,
    broker_killed: 2,
    broker_frozen: 2,
}


def disturb(city: City, dice: Random) -> list[str]:
    """Several things go wrong at the channels, and often one at home as well. Returns what."""
    done = [channel_fault(city, dice) for _ in range(dice.randint(1, 5))]
    if dice.random() < 0.6:
        (chosen,) = dice.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        done.append(chosen(city, dice))
    return done
