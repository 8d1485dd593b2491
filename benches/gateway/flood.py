#!/usr/bin/env python3
"""How long paid requests take while others ask without paying: their p99 alone, and beside a flood of unpaid requests.

The flood and the paid requests share the machine with the gateway, so that some of the difference is theirs. Run:
`just bench-flood`.
"""

import argparse
import contextlib
import statistics
import tempfile
import threading
from pathlib import Path

import gateway
import harness


def main() -> None:
    options = arguments()
    harness.ensure_tools("nginx", "wrk")
    binaries = harness.build(options.profile, "l402-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="l402-bench-")))
        _, upstream = stack.enter_context(harness.nginx(folder, "upstream", harness.UPSTREAM))
        gate = stack.enter_context(gateway.running(binaries, folder, upstream))
        credential = gateway.buy(folder, gate.port)
        url = f"http://127.0.0.1:{gate.port}/"
        alone, beside, floods = [], [], []
        for _ in range(options.rounds):
            alone.append(paid(url, options, credential))
            with flood(url, options) as unpaid:
                beside.append(paid(url, options, credential))
            floods.append(unpaid[0])
        report(alone, beside, floods)


def paid(url: str, options: argparse.Namespace, credential: str) -> harness.Load:
    load = harness.wrk(url, options.connections, options.seconds, credential)
    if load.refused or load.broken:
        raise SystemExit(f"{load.refused} refused, {load.broken} broken of {load.requests} paid requests")
    return load


@contextlib.contextmanager
def flood(url: str, options: argparse.Namespace):
    """Asks without paying until the block ends, or a little longer; the load is in the list that it yields."""
    loads = []
    flooding = threading.Thread(target=lambda: loads.append(harness.wrk(url, options.flood, options.seconds)))
    flooding.start()
    try:
        yield loads
    finally:
        flooding.join()


def report(alone: list, beside: list, floods: list) -> None:
    print(f"{'paid requests':<24} {'req/s':>9} {'p99 ms':>8}")
    for name, loads in (("alone", alone), ("beside the flood", beside), ("the flood, unpaid", floods)):
        per_second = statistics.median(load.per_second for load in loads)
        p99 = statistics.median(load.p99_ms for load in loads)
        print(f"{name:<24} {per_second:>9,.0f} {p99:>8.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=4, help="of those who pay")
    parser.add_argument("--flood", type=int, default=256, help="connections of those who do not")
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--profile", default="release", help="of the gateway's build: a smoke takes dev")
    return parser.parse_args()


if __name__ == "__main__":
    main()
