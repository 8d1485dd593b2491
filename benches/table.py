#!/usr/bin/env python3
"""Runs every bench, ours and the peers', and prints one table of medians with ratios.

The numbers of one table come from one run on one machine: compare ratios, not the nanoseconds of two tables.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS, FLOOR, GO = "l402-core", "compressions", "go-macaroon"
GO_GROUPS = {
    "Verify/0": "verify, 0 caveats",
    "Verify/3": "verify, 3 caveats",
    "Verify/16": "verify, 16 caveats",
    "Parse": "parse a token from base64, 3 caveats",
    "Mint": "mint to base64, 3 caveats",
    "Attenuate": "attenuate",
}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="short measurements, for a look")
    quick = options.parse_args().quick
    groups = criterion(quick)
    for name, nanoseconds in go(quick).items():
        groups[GO_GROUPS[name]][GO] = nanoseconds
    print(f"\n{machine()}\n")
    print_table(groups)


def criterion(quick):
    """Runs the Rust benches and returns {group: {function: ns}} in the order in which they ran."""
    command = ["cargo", "bench", "--manifest-path", HERE / "Cargo.toml", "--"]
    command += ["--warm-up-time=0.3", "--measurement-time=1"] if quick else []
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    groups = {}
    for line in run.stdout:
        print(line, end="", file=sys.stderr)
        if match := re.match(r"^(?P<id>[^/]+/.+?)\s+time:\s+\[\S+ \S+ (?P<value>\S+) (?P<unit>\S+)", joined(line)):
            group, function = match["id"].split("/", 1)
            groups.setdefault(group, {})[function] = nanoseconds(match["value"], match["unit"])
    if run.wait():
        sys.exit(f"cargo bench failed with {run.returncode}")
    return groups


def joined(line, last=[""]):
    """Criterion writes a long name on a line of its own, and its time on the next."""
    name, last[0] = last[0], "" if "time:" in line else line.strip()
    return f"{name} {line.strip()}" if line.startswith(" ") else line


def go(quick):
    """Runs the Go benches and returns {name: ns}."""
    command = ["go", "test", "-bench=.", "-count=5", f"-benchtime={'100ms' if quick else '1s'}"]
    output = subprocess.run(command, cwd=HERE / "go", check=True, capture_output=True, text=True).stdout
    print(output, file=sys.stderr)
    times = {}
    for name, value in re.findall(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", output, re.MULTILINE):
        times.setdefault(name, []).append(float(value))
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


def nanoseconds(value, unit):
    return float(value) * {"ps": 1e-3, "ns": 1, "µs": 1e3, "ms": 1e6}[unit]


def machine():
    """Describes what the numbers were measured on."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", info)
    flags = re.search(r"flags\s*: (.*)", info)
    features = [name for name in ("sha_ni", "avx2", "avx512f") if flags and name in flags[1].split()]
    versions = [version("rustc", "--version"), version("go", "version")]
    parts = [model[1] if model else platform.machine(), f"{os.cpu_count()} cores", *features, *versions]
    return "Machine: " + ", ".join(parts) + "."


def version(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split(" (")[0].strip()


def print_table(groups):
    print("| work | by | median | × l402-core | × compressions |")
    print("|---|---|--:|--:|--:|")
    for group, functions in groups.items():
        ours, floor = functions.get(OURS), functions.get(FLOOR)
        for function, time in functions.items():
            of_ours = f"{time / ours:.2f}" if ours and function != FLOOR else ""
            of_floor = f"{time / floor:.2f}" if floor else ""
            print(f"| {group} | {function} | {shown(time)} | {of_ours} | {of_floor} |")


def shown(time):
    return f"{time / 1e3:.2f} µs" if time >= 1e3 else f"{time:.1f} ns"


main()
