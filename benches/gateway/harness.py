"""What both gateway benches share: tools, processes on loopback, load, and what the kernel says they cost.

Everything listens on 127.0.0.1 and ends with the script.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def ensure_tools(*names: str) -> None:
    """Installs the Debian packages of these names when a command is missing."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SystemExit(f"install these first: {' '.join(missing)}")
    (ROOT / "target").mkdir(exist_ok=True)
    with (ROOT / "target/install.lock").open("w") as lock:
        # The recipes of the justfile that install something wait for the same lock.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)


def build(profile: str, *packages: str) -> Path:
    """Builds binaries in the profile `release`, or in `dev` for a smoke; returns the folder they are in.

    A package that is chosen by `-p` has no more features than it asks for, as it is shipped; one that is chosen by its binary
    shares the dependencies that the tests of the workspace have built.
    """
    chosen = ("--bins", "-p") if profile != "dev" else ("--bin",)
    arguments = [argument for package in packages for argument in (*chosen, package)]
    subprocess.run(["cargo", "build", "--profile", profile, "--quiet", *arguments], check=True, cwd=ROOT)
    folder = "debug" if profile == "dev" else profile
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(command: list, log: Path, env: dict | None = None):
    """Runs a program until the block ends: SIGINT first, SIGKILL after ten seconds."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=env)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def status_of(url: str, headers: dict | None = None, seconds: float = 10) -> int:
    """The status of one GET; 0 while no server listens, and where the answer takes longer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=seconds) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for(url: str, status: int, child: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    """Waits until a GET of `url` is answered with `status`."""
    deadline = time.monotonic() + seconds
    while status_of(url) != status:
        if child.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{url} never answered {status}; its log ends:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


NGINX_HEAD = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
"""

UPSTREAM = NGINX_HEAD + """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "ok\\n"; }}
    }}
}}
"""

BARE_PROXY = NGINX_HEAD + """
    upstream trivial {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://trivial;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, name: str, template: str, **values):
    """One nginx, one process: yields it and the port that it listens on."""
    port = free_port()
    config = folder / f"{name}.conf"
    config.write_text(template.format(folder=folder, name=name, port=port, **values))
    log = folder / f"{name}.log"
    with process(["nginx", "-p", folder, "-e", folder / f"{name}.early.log", "-c", config], log) as child:
        wait_for(f"http://127.0.0.1:{port}/", 200, child, log)
        yield child, port


@dataclass
class Load:
    """What one run of wrk measured."""

    requests: int
    per_second: float
    p99_ms: float
    refused: int
    broken: int


def wrk(
    url: str,
    connections: int,
    seconds: int,
    credential: str | None = None,
    script: Path | None = None,
    env: dict | None = None,
) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if credential is not None:
        command += ["-H", f"Authorization: {credential}"]
    if script is not None:
        command += ["-s", str(script)]
    output = subprocess.run([*command, url], check=True, capture_output=True, text=True, env=env).stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return Load(
        requests=int(re.search(r"(\d+) requests in", output)[1]),
        per_second=float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
        # A line of its own: another one ends with a share such as "99.99%". After whole seconds there is a blank.
        p99_ms=milliseconds(re.search(r"^\s+99%\s+(\S+) *$", output, re.MULTILINE)[1]),
        refused=int(refused[1]) if refused else 0,
        broken=sum(map(int, errors.groups())) if errors else 0,
    )


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def resident_kib(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


@dataclass
class Usage:
    """What a process has of the machine."""

    kib: int
    descriptors: int

    def most(self, other: "Usage") -> "Usage":
        return Usage(max(self.kib, other.kib), max(self.descriptors, other.descriptors))


def usage(pid: int) -> Usage:
    return Usage(resident_kib(pid), len(os.listdir(f"/proc/{pid}/fd")))


def tree_size(folder: Path) -> tuple[int, int]:
    """Files below a folder, and their bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)
