#!/usr/bin/env python3
"""Builds the vectors as firmware, runs them on every board that QEMU has, and checks that none was lost on the way.

A board fails when a case does, when the numbers do not add up to what the files hold, or when it leaves out cases although
it has the memory for all.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parents[2] / "spec-vectors"
ARM, RISCV = "qemu-system-arm", "qemu-system-riscv32"
ALL = [("", None)]
# 256 KiB of flash do not hold all vectors, and 16 KiB of memory not the largest: images by subject, each with what it lends.
SMALL = [("macaroon identifier token_file", 9), ("bolt11 challenge", 9), ("keys", 9), ("caveat", 6), ("credential grpc", 9), ("exchange", 6)]
BOARDS = [
    ("Cortex-M0, micro:bit", "thumbv6m-none-eabi", [ARM, "-machine", "microbit"], SMALL),
    ("Cortex-M3, MPS2 AN385", "thumbv7m-none-eabi", [ARM, "-machine", "mps2-an385"], ALL),
    ("Cortex-M4, MPS2 AN386", "thumbv7em-none-eabi", [ARM, "-machine", "mps2-an386"], ALL),
    ("riscv32imc, virt", "riscv32imc-unknown-none-elf", [RISCV, "-machine", "virt", "-bios", "none"], ALL),
]
QUIET = ["-display", "none", "-serial", "null", "-monitor", "none", "-semihosting-config", "enable=on,target=native"]


def main():
    cases = sum(len(json.loads(file.read_text())["cases"]) for file in VECTORS.glob("*/*.json"))
    print(f"{cases} cases")
    good = [board(cases, *row) for row in BOARDS]
    sys.exit(not all(good))


def board(cases, name, target, machine, images):
    counts, lost, code = [0, 0, 0], [], 0
    for subjects, lent in images:
        image = build(target, subjects, lent)
        run = subprocess.run(machine + QUIET + ["-kernel", image], capture_output=True, text=True, timeout=300)
        last = re.search(r"^passed (\d+), failed (\d+), left out (\d+)$", run.stdout, re.MULTILINE)
        if not last:
            print(f"{name}: no verdict on '{subjects}'\n{run.stdout}{run.stderr[:2000]}")
            return False
        lost += [line for line in run.stdout.splitlines() if line.startswith(("failed:", "left out:"))]
        counts = [sum(pair) for pair in zip(counts, map(int, last.groups()))]
        code |= run.returncode
    passed, failed, left_out = counts
    print(f"{name}: {passed} passed, {failed} failed, {left_out} left out, in {len(images)} image(s)")
    for line in lost:
        print(f"    {line}")
    small = images is SMALL
    return code == 0 and failed == 0 and sum(counts) == cases and left_out <= (cases // 20 if small else 0)


def build(target, subjects, lent):
    environment = os.environ | {"SUBJECTS": subjects} | ({"LENT_KIB": str(lent)} if lent else {})
    command = ["cargo", "build", "--release", "--target", target, "--message-format", "json-render-diagnostics"]
    done = subprocess.run(command + ["--manifest-path", HERE / "Cargo.toml", "--quiet"], env=environment, stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, done.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


if __name__ == "__main__":
    main()
