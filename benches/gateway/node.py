"""A node that stores each invoice, and no money: the fake LND of the tests, as a program."""

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import harness


@dataclass
class FakeLnd:
    """The running program, and how the gateway reaches it."""

    child: subprocess.Popen
    environment: dict

    def ask(self, line: str) -> str:
        self.child.stdin.write(f"{line}\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().strip()

    def pay(self, invoice: str) -> str:
        """Pays an invoice; returns the preimage."""
        return self.ask(f"pay {invoice}")

    def rows(self) -> int:
        """How many invoices it stores."""
        return int(self.ask("rows"))


@contextlib.contextmanager
def running(profile: str):
    """Builds and runs it until the block ends."""
    chosen = ["--workspace"] if profile == "dev" else ["-p", "l402-lnd"]
    command = ["cargo", "build", "--profile", profile, "--quiet", *chosen, "--example", "fake_lnd"]
    subprocess.run(command, check=True, cwd=harness.ROOT)
    folder = Path(os.environ.get("CARGO_TARGET_DIR", harness.ROOT / "target")) / ("debug" if profile == "dev" else profile)
    pipe = subprocess.PIPE
    with subprocess.Popen([folder / "examples/fake_lnd"], stdin=pipe, stdout=pipe, text=True) as child:
        said = json.loads(child.stdout.readline())
        yield FakeLnd(child, {f"LND_{name.upper()}": value for name, value in said.items()})
        child.stdin.close()
