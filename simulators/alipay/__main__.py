"""``python -m simulators.alipay``."""

from __future__ import annotations

import sys

from simulators.alipay.simulator import AlipaySimulator
from simulators.kit.runner import run

if __name__ == "__main__":
    sys.exit(run(AlipaySimulator))
