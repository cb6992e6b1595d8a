"""``python -m tests.chaos --seed 7 --refunds 300 --runs 20``: seeds 7 to 26, 300 refunds each; exit code 1 if anything broke.

Wants services of its own (``make chaos SEED=7 N=300 RUNS=20`` gives them). The dice are the seed's; time is not, so that a run
that broke says where its logs are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import django

from tests.faults.house import Channel, house
from tests.faults.services import Broker

CHANNELS = ("wechat", "alipay", "unionpay")


def main() -> int:
    arguments = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    folder = Path(tempfile.mkdtemp(prefix="refunddesk-chaos-"))
    print(f"logs are in {folder}")
    # One that may be killed; ours are asked for it, too.
    broker = Broker(folder)
    os.environ["REDIS_URL"] = broker.url
    try:
        return _run(arguments, broker=broker, folder=folder)
    finally:
        broker.process.kill()


def _run(arguments: argparse.Namespace, *, broker: Broker, folder: Path) -> int:
    django.setup()
    from django.conf import settings  # noqa: PLC0415 -- only once Django is set up
    from django.core.management import call_command  # noqa: PLC0415

    from merchants import channels as known_channels  # noqa: PLC0415
    from tests.chaos.disturbances import City  # noqa: PLC0415
    from tests.chaos.run import Result, run  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    results: list[Result] = []
    with ExitStack() as stack:
        channels: dict[str, Channel] = {}
        for name in sorted(known_channels.known() & set(CHANNELS)):
            channels[name] = Channel(name, folder=folder)
            stack.callback(partial(_end, channels, name))
            channels[name].reset()
        home = stack.enter_context(house(database_url=os.environ["DATABASE_URL"], redis_url=broker.url, folder=folder))
        settings.BASE_URL = home.base_url
        city = City(
            house=home,
            channels=channels,
            broker=broker,
            web=home.web(),
            workers=[home.worker(), home.worker()],
            beat=home.beat(),
        )
        for seed in range(arguments.seed, arguments.seed + arguments.runs):
            result = run(city=city, seed=seed, refunds=arguments.refunds)
            results.append(result)
            _print(result, verbose=arguments.verbose)
    broken = [result.seed for result in results if result.broken]
    total = sum(result.seconds for result in results)
    print(f"{len(results)} runs of {arguments.refunds} refunds in {total:.0f} s; broken: {broken or 'none'}")
    if not broken:
        shutil.rmtree(folder)
    return 1 if broken else 0


def _end(channels: Mapping[str, Channel], name: str) -> None:
    """Whichever process it is by then."""
    channels[name].process.end()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--refunds", type=int, default=300)
    parser.add_argument("--runs", type=int, default=1, help="so many seeds from --seed on")
    parser.add_argument("--verbose", action="store_true", help="say everything that went wrong on purpose")
    return parser.parse_args()


def _print(result: object, *, verbose: bool) -> None:
    from tests.chaos.run import Result  # noqa: PLC0415

    assert isinstance(result, Result)
    verdict = "BROKEN" if result.broken else "ok    "
    what = Counter(done.split(":")[0] for done in result.done)
    print(
        f"{verdict} seed {result.seed}: {dict(result.states)} in {result.seconds:.1f} s "
        f"({result.healed_s:.1f} s after the last fault), {len(result.done)} disturbances {dict(what)}"
    )
    for line in result.done if verbose or result.broken else []:
        print(f"         {line}")
    for line in result.broken:
        print(f"    !!!  {line}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
