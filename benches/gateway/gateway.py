"""The gateway under test: `l402-server` in its sandbox, and the purchase of one token from it."""

import contextlib
import json
import os
import urllib.error
import urllib.request
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
def running(
    binaries: Path, folder: Path, upstream: int, template: str | None = None, path: str = "/", env: dict | None = None
):
    """Starts the gateway in front of the upstream at a port, with play money, and waits until it sells a path.

    Unless a template says otherwise, a token opens it as often as a bench asks.
    """
    port = harness.free_port()
    data, config = folder / f"gateway-{port}", folder / "gateway.toml"
    config.write_text((template or CONFIG).format(port=port, upstream=upstream, data=data))
    log = folder / "gateway.log"
    command = [binaries / "l402-server", "--config", config]
    with harness.process(command, log, {**environment(folder), **(env or {})}) as child:
        harness.wait_for(f"http://127.0.0.1:{port}{path}", 402, child, log)
        yield Gateway(child.pid, port, data)


def buy(folder: Path, port: int) -> str:
    """Buys a token with the sandbox's wallet and returns the credential, once it is known to open what it was bought for."""
    url = f"http://127.0.0.1:{port}/"
    offer = challenge(url)
    credential = f"L402 {offer['token']}:{pay(folder, offer['invoice'])}"
    status = harness.status_of(url, {"Authorization": credential})
    if status != 200:
        raise SystemExit(f"the bought token is answered with {status}")
    return credential


def challenge(url: str) -> dict:
    """Token and invoice of the 402 that an unpaid GET is answered with."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            raise SystemExit(f"{url} is free: {response.status}")
    except urllib.error.HTTPError as error:
        return json.load(error)


def pay(folder: Path, invoice: str) -> str:
    """Pays an invoice from the sandbox's wallet; returns the preimage."""
    wallet = json.loads((folder / "sandbox.json").read_text())
    order = {"invoice": invoice, "max_fee_msat": 10_000, "max_cltv_expiry_delta": 1008, "timeout_ms": 30_000}
    request = urllib.request.Request(f"http://{wallet['address']}/v1/pay", json.dumps(order).encode())
    request.add_header("Authorization", f"Bearer {wallet['secret']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["preimage"]


def environment(folder: Path) -> dict:
    """What finds the sandbox's wallet, for the gateway that announces it."""
    return {**os.environ, "L402_SANDBOX": str(folder / "sandbox.json")}


CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
upstream = "http://127.0.0.1:{upstream}"
uses = "unlimited"
valid_for = "1h"

[limits]
challenges = "off"
challenges_per_client = "off"

[log]
level = "warn"

[lightning]
backend = "sandbox"
"""
