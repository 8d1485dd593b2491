#!/usr/bin/env python3
"""Unpaid challenges (402) per second with the embedded node, and what they store in memory and on disk.

Run: `just bench-challenges`.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import gateway
import harness

MOST_ROUNDS = 60


def main() -> None:
    options = arguments()
    harness.ensure_tools("nginx", "wrk")
    binaries = harness.build(options.profile, "l402-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="l402-bench-")))
        _, upstream = stack.enter_context(harness.nginx(folder, "upstream", harness.UPSTREAM))
        gate = stack.enter_context(gateway.running(binaries, folder, upstream))
        url = f"http://127.0.0.1:{gate.port}/"
        # Connections, buffers and the allocator's arenas reach their size in a first round.
        harness.wrk(url, options.connections, options.seconds)
        before = footprint(gate)
        loads, cpu = unpaid(url, gate.pid, options)
        after = footprint(gate)
        # The nodes write now and then in any case: what they write in the same time without a challenge.
        time.sleep(len(loads) * options.seconds)
        report(loads, options.seconds, cpu, before, after, footprint(gate))


def unpaid(url: str, pid: int, options: argparse.Namespace) -> tuple[list, float]:
    """Rounds of unpaid requests until there were enough, and the CPU seconds that they took."""
    loads = []
    before = harness.cpu_seconds(pid)
    while sum(load.refused for load in loads) < options.challenges and len(loads) < MOST_ROUNDS:
        load = harness.wrk(url, options.connections, options.seconds)
        if load.refused != load.requests or load.broken:
            raise SystemExit(f"{load.requests - load.refused} not refused, {load.broken} broken of {load.requests}")
        loads.append(load)
    return loads, harness.cpu_seconds(pid) - before


def footprint(gate: "gateway.Gateway") -> tuple[int, int, int]:
    """Resident KiB, files, bytes in files."""
    return (harness.resident_kib(gate.pid), *harness.tree_size(gate.data))


def report(loads: list, seconds: int, cpu: float, before: tuple, after: tuple, idle: tuple) -> None:
    count = sum(load.refused for load in loads)
    per_second = count / (len(loads) * seconds)
    p99 = max(load.p99_ms for load in loads)
    print(f"{count:,} unpaid challenges: {per_second:,.0f}/s, p99 {p99:.2f} ms, {cpu * 1e6 / count:.1f} CPU µs each")
    print(f"{'':<15} {'before':>13} {'after':>13} {'growth':>10} {'when idle':>10}")
    for name, first, last, rest in zip(("memory KiB", "files", "bytes in files"), before, after, idle):
        print(f"{name:<15} {first:>13,} {last:>13,} {last - first:>+10,} {rest - last:>+10,}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--challenges", type=int, default=100_000, help="at least so many")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--profile", default="release", help="of the gateway's build: a smoke takes dev")
    return parser.parse_args()


if __name__ == "__main__":
    main()
