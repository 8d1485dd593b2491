#!/usr/bin/env python3
"""Single-use requests beside requests with unlimited tokens: one gateway, the same trivial upstream, another token for each request.

The gateway counts in its own file, and each commit waits for the disk. Tokens are minted with its root key beforehand; it takes a
preimage as proof of payment. Rounds are interleaved; medians are printed. Run: `just bench-ledger`.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import gateway
import harness


@dataclass
class Kind:
    """One kind of request, and what its rounds measured."""

    name: str
    method: str
    loads: list = field(default_factory=list)
    cpu_us: list = field(default_factory=list)

    def median(self) -> tuple[float, float, float]:
        """Requests per second, p99 in milliseconds, CPU microseconds per request."""
        return (
            statistics.median(load.per_second for load in self.loads),
            statistics.median(load.p99_ms for load in self.loads),
            statistics.median(self.cpu_us),
        )


class Mint:
    """Makes credentials that no request has used yet."""

    def __init__(self, binaries: Path, data: Path):
        self.binaries = binaries
        self.next = 0
        texts = [path.read_text() for path in data.rglob("*") if path.is_file() and path.parent.name == "keys"]
        found = [match for text in texts for match in re.findall(r"^(\d+) ([0-9a-f]{64})", text, re.MULTILINE)]
        self.epoch, self.key = max(found, key=lambda found: int(found[0]))

    def write(self, path: Path, name: str, count: int) -> None:
        uses = "1" if name == "used" else "unlimited"
        command = [self.binaries / "examples/mint", self.epoch, self.key, "bench", name, "21000", uses, str(self.next), str(count)]
        with path.open("wb") as file:
            subprocess.run(command, check=True, stdout=file)
        self.next += count


def main() -> None:
    options = arguments()
    harness.ensure_tools("nginx", "wrk")
    binaries = harness.build(options.profile, "l402-server")
    build_mint(options.profile)
    kinds = [Kind(name, method) for method in ("GET", "POST") for name in ("open", "used")]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="l402-bench-")))
        _, upstream = stack.enter_context(harness.nginx(folder, "upstream", harness.UPSTREAM))
        gate = stack.enter_context(gateway.running(binaries, folder, upstream, CONFIG, "/used"))
        mint = Mint(binaries, gate.data)
        for number in range(options.rounds):
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                measure(kind, gate, mint, folder / "credentials", options)
        report(kinds)
        files = [path for path in gate.data.iterdir() if path.name.startswith("ledger") and path.is_file()]
        print(f"the ledger: {sum(path.stat().st_size for path in files) >> 20} MB")


def build_mint(profile: str) -> None:
    package = [] if profile == "dev" else ["-p", "l402-core"]
    command = ["cargo", "build", "--profile", profile, "--quiet", *package, "--example", "mint"]
    subprocess.run(command, check=True, cwd=harness.ROOT)


def measure(kind: Kind, gate: gateway.Gateway, mint: Mint, file: Path, options: argparse.Namespace) -> None:
    mint.write(file, kind.name, options.seconds * options.most)
    env = {**os.environ, "L402_CREDENTIALS": str(file), "L402_METHOD": kind.method}
    before = harness.cpu_seconds(gate.pid)
    url = f"http://127.0.0.1:{gate.port}/{kind.name}"
    load = harness.wrk(url, options.connections, options.seconds, script=Path(__file__).with_name("uses.lua"), env=env)
    spent = harness.cpu_seconds(gate.pid) - before
    file.unlink()
    if load.refused or load.broken:
        what = f"{load.refused} refused, {load.broken} broken of {load.requests} requests"
        raise SystemExit(f"{kind.method} /{kind.name}: {what}; are there enough tokens? --most {options.most}")
    kind.loads.append(load)
    kind.cpu_us.append(spent * 1e6 / load.requests)


def report(kinds: list) -> None:
    print(f"{'method':<6} {'tokens':<10} {'req/s':>9} {'ratio':>6} {'p99 ms':>8} {'CPU µs/req':>11}")
    for kind in kinds:
        base = next(other for other in kinds if other.method == kind.method)
        per_second, p99, cpu = kind.median()
        tokens = "single-use" if kind.name == "used" else "unlimited"
        ratio = per_second / base.median()[0]
        print(f"{kind.method:<6} {tokens:<10} {per_second:>9,.0f} {ratio:>6.2f} {p99:>8.2f} {cpu:>11.1f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--most", type=int, default=40_000, help="tokens to mint for each second")
    parser.add_argument("--profile", default="release", help="of the gateway's build: a smoke takes dev")
    return parser.parse_args()


CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"

[log]
level = "warn"

[lightning]
backend = "sandbox"

[protocol]
strict_settlement = false

[ledger]
durability = "power"

[[service]]
name = "bench"
upstream = "http://127.0.0.1:{upstream}"
price = "21 sat"

[[service.route]]
path = "/used"
capability = "used"
uses = 1

[[service.route]]
path = "/open"
capability = "open"
uses = "unlimited"
"""


if __name__ == "__main__":
    main()
