"""The gateway under test: `l402-server` in its sandbox, and the purchase of one token from it."""

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import harness


@dataclass
class Gateway:
    """A running gateway, and the folder in which it keeps everything."""

    pid: int
    port: int
    data: Path


@contextlib.contextmanager
def running(binaries: Path, folder: Path, upstream: int):
    """Starts the gateway in front of the upstream at a port, with its defaults and play money."""
    port, data, config = harness.free_port(), folder / "gateway", folder / "gateway.toml"
    config.write_text(CONFIG.format(port=port, upstream=upstream, data=data))
    log = folder / "gateway.log"
    command = [binaries / "l402-server", "--config", config]
    with harness.process(command, log, environment(folder)) as child:
        harness.wait_for(f"http://127.0.0.1:{port}/", 402, child, log)
        yield Gateway(child.pid, port, data)


def buy(binaries: Path, folder: Path, port: int) -> str:
    """Buys a token with the `l402` command and returns the credential, once it is known to open what it was bought for."""
    url, wallet = f"http://127.0.0.1:{port}/", folder / "client"
    command = [binaries / "l402", "--data-dir", wallet, "get", url]
    subprocess.run(command, check=True, env=environment(folder), stdout=subprocess.DEVNULL)
    token = json.loads((wallet / "tokens.json").read_text())["tokens"][-1]
    credential = f"{token['scheme']} {token['token']}:{token['preimage']}"
    status = harness.status_of(url, {"Authorization": credential})
    if status != 200:
        raise SystemExit(f"the bought token is answered with {status}")
    return credential


def environment(folder: Path) -> dict:
    """What finds the sandbox's wallet, for the gateway that announces it and the client that pays from it."""
    return {**os.environ, "L402_SANDBOX": str(folder / "sandbox.json")}


CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
upstream = "http://127.0.0.1:{upstream}"

[log]
level = "warn"

[lightning]
backend = "sandbox"
"""
