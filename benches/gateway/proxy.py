#!/usr/bin/env python3
"""The gateway with a paid token, beside nginx as a bare proxy, in front of the same trivial upstream.

Rounds are interleaved so that a drift of the machine meets both; medians are printed. Run: `just bench-gateway`.
"""

import argparse
import contextlib
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import gateway
import harness


@dataclass
class Target:
    """A proxy under load, and what its rounds measured, by number of connections."""

    name: str
    pid: int
    port: int
    loads: dict = field(default_factory=dict)
    cpu_us: dict = field(default_factory=dict)

    def measure(self, connections: int, seconds: int, credential: str) -> None:
        before = harness.cpu_seconds(self.pid)
        load = harness.wrk(f"http://127.0.0.1:{self.port}/", connections, seconds, credential)
        spent = harness.cpu_seconds(self.pid) - before
        if load.refused or load.broken:
            raise SystemExit(f"{self.name}: {load.refused} refused, {load.broken} broken of {load.requests} requests")
        self.loads.setdefault(connections, []).append(load)
        self.cpu_us.setdefault(connections, []).append(spent * 1e6 / load.requests)

    def medians(self, connections: int) -> tuple[float, float, float]:
        """Requests per second, p99 in milliseconds, CPU microseconds per request."""
        loads = self.loads[connections]
        return (
            statistics.median(load.per_second for load in loads),
            statistics.median(load.p99_ms for load in loads),
            statistics.median(self.cpu_us[connections]),
        )


def main() -> None:
    options = arguments()
    harness.ensure_tools("nginx", "wrk")
    binaries = None if options.nginx_only else harness.build(options.profile, "l402-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="l402-bench-")))
        _, upstream = stack.enter_context(harness.nginx(folder, "upstream", harness.UPSTREAM))
        bare, port = stack.enter_context(harness.nginx(folder, "bare", harness.BARE_PROXY, upstream=upstream))
        targets = [Target("nginx", bare.pid, port)]
        credential = PLACEHOLDER
        if binaries is not None:
            gate = stack.enter_context(gateway.running(binaries, folder, upstream))
            credential = gateway.buy(folder, gate.port)
            targets.append(Target("l402-server", gate.pid, gate.port))
        rounds(targets, options, credential)
        report(targets, options.connections)


def rounds(targets: list, options: argparse.Namespace, credential: str) -> None:
    for number in range(options.rounds):
        for connections in options.connections:
            for target in targets if number % 2 == 0 else reversed(targets):
                target.measure(connections, options.seconds, credential)


def report(targets: list, connections: list) -> None:
    print(f"{'connections':>11}  {'proxy':<12} {'req/s':>9} {'ratio':>6} {'p99 ms':>8} {'CPU µs/req':>11}")
    for count in connections:
        base = targets[0].medians(count)[0]
        for target in targets:
            per_second, p99, cpu = target.medians(count)
            print(f"{count:>11}  {target.name:<12} {per_second:>9,.0f} {per_second / base:>6.2f} {p99:>8.2f} {cpu:>11.1f}")


# The bare proxy is sent the same header, so that both read the same bytes; alone, any text of that length does.
PLACEHOLDER = "L402 " + "A" * 252 + ":" + "0" * 64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--profile", default="release", help="of the gateway's build: a smoke takes dev")
    parser.add_argument("--nginx-only", action="store_true", help="measure the reference alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
