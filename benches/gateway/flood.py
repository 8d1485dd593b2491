#!/usr/bin/env python3
"""What a flood of unpaid requests costs those who pay, and the machine.

First the p99 of paid requests, alone and beside unpaid ones that come as fast as they are answered, without limits. Then a million unpaid
requests from ten thousand addresses, with the limits that a gateway has unless told otherwise, before a node that stores each invoice:
memory, descriptors, files and rows of the node have bounds, and what was paid for is served. The flood and the paid requests share the
machine with the gateway, so that some of the difference is theirs. Run: `just bench-flood`.
"""

import argparse
import contextlib
import statistics
import tempfile
import threading
import time
from pathlib import Path

import gateway
import harness
import node
import unpaid


def main() -> None:
    options = arguments()
    harness.ensure_tools("nginx", "wrk")
    binaries = harness.build(options.profile, "l402-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="l402-bench-")))
        _, upstream = stack.enter_context(harness.nginx(folder, "upstream", harness.UPSTREAM))
        if options.rounds:
            latency(binaries, folder, upstream, options)
        many_addresses(binaries, folder, upstream, options)


def latency(binaries: Path, folder: Path, upstream: int, options: argparse.Namespace) -> None:
    """Prints how long paid requests take, alone and beside a flood."""
    with gateway.running(binaries, folder, upstream) as gate:
        credential = gateway.buy(folder, gate.port)
        url = f"http://127.0.0.1:{gate.port}/"
        alone, beside, floods = [], [], []
        for _ in range(options.rounds):
            alone.append(paid(url, options, credential))
            with flood(url, options) as unpaid_load:
                beside.append(paid(url, options, credential))
            floods.append(unpaid_load[0])
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


def many_addresses(binaries: Path, folder: Path, upstream: int, options: argparse.Namespace) -> None:
    """Prints what a flood from many addresses leaves behind, and fails where something has no bound."""
    each = options.requests // options.addresses
    with node.running(options.profile) as lnd, gateway.running(binaries, folder, upstream, LIMITED, env=lnd.environment) as gate:
        offer = gateway.challenge(f"http://127.0.0.1:{gate.port}/")
        credential = f"L402 {offer['token']}:{lnd.pay(offer['invoice'])}"
        time.sleep(1)  # what came before is over
        files = harness.tree_size(gate.data)
        with watching(gate, credential) as watch:
            statuses, seconds = unpaid.flood(gate.port, options.addresses, each, options.at_once, options.longest)
        grown = [after - before for before, after in zip(files, harness.tree_size(gate.data))]
        answered = sum(statuses.values())
        rows = lnd.rows()
    told = ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items()))
    print(f"\n{answered:,} unpaid requests from {options.addresses:,} addresses: {answered / seconds:,.0f} a second; {told}")
    print(f"paid requests meanwhile: {len(watch.taken)}, of which {watch.refused} were refused; median {watch.median_ms:.1f} ms")
    print(f"memory {watch.before.kib / 1024:.0f} MiB before, {watch.most.kib / 1024:.0f} MiB at most")
    print(f"descriptors {watch.before.descriptors} before, {watch.most.descriptors} at most")
    print(f"files {grown[0]:+}, {grown[1]:+,} bytes; {rows:,} invoices at the node, of {UNPAID:,} that may be open")
    for what, holds in (
        ("every request is answered, with 402, 429 or 503", answered == each * options.addresses and set(statuses) <= {402, 429, 503}),
        ("paid requests are served", watch.taken and not watch.refused),
        ("memory", watch.most.kib - watch.before.kib <= 128 * 1024),
        ("descriptors", watch.most.descriptors - watch.before.descriptors <= 2 * options.at_once + 64),
        ("files", grown[0] <= 16 and grown[1] <= 1 << 20),
        ("invoices at the node", rows <= UNPAID + 2),
    ):
        if not holds:
            raise SystemExit(f"this does not hold: {what}")


class Watch:
    """A gateway while it is flooded: the most that it has had, and what became of paid requests."""

    def __init__(self, gate: gateway.Gateway, credential: str):
        self.gate, self.credential = gate, credential
        self.taken, self.refused, self.over = [], 0, threading.Event()
        self.before = self.most = harness.usage(gate.pid)

    def run(self) -> None:
        url, headers = f"http://127.0.0.1:{self.gate.port}/", {"Authorization": self.credential}
        while not self.over.wait(0.2):
            begun = time.monotonic()
            self.refused += harness.status_of(url, headers, seconds=60) != 200
            self.taken.append(time.monotonic() - begun)
            self.most = self.most.most(harness.usage(self.gate.pid))

    @property
    def median_ms(self) -> float:
        return statistics.median(self.taken) * 1000 if self.taken else 0


@contextlib.contextmanager
def watching(gate: gateway.Gateway, credential: str):
    """Watches until the block ends."""
    watch = Watch(gate, credential)
    running = threading.Thread(target=watch.run)
    running.start()
    try:
        yield watch
    finally:
        watch.over.set()
        running.join()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of the first part; 0 leaves it out")
    parser.add_argument("--connections", type=int, default=4, help="of those who pay")
    parser.add_argument("--flood", type=int, default=256, help="connections of those who do not")
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--requests", type=int, default=1_000_000, help="from many addresses")
    parser.add_argument("--addresses", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=64, help="addresses that are connected at a time")
    parser.add_argument("--longest", type=float, default=300, help="seconds that these requests may take")
    parser.add_argument("--profile", default="release", help="of the gateway's build: a smoke takes dev")
    return parser.parse_args()


# How many unpaid invoices may be open unless the configuration says otherwise.
UNPAID = 10_000

LIMITED = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
upstream = "http://127.0.0.1:{upstream}"
uses = "unlimited"
valid_for = "1h"

[log]
level = "error"

[lightning]
backend = "lnd"
network = "regtest"
"""


if __name__ == "__main__":
    main()
