#!/usr/bin/env python3
"""Builds the firmware, opens the door in QEMU, and measures what that took.

The board's memory is painted before the reset. When all lines were answered, what the stack has written over is read from
outside: the firmware that is measured is the one that is shipped.
"""

import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
TARGET, MACHINE = "thumbv7em-none-eabi", "netduinoplus2"
RAM, RAM_LEN = 0x2000_0000, 8 * 1024
PAINT = b"\xc5"
FLASH_LIMIT, STACK_LIMIT = 12 * 1024, 2 * 1024
NOW, HOUR = 1_767_300_000, 3600
SETTINGS = {"DOOR_KEY": "tests/test.key", "DOOR_FLOOR": "1767225600"}


def main():
    image = build()
    flash, static = sizes(image)
    stack = talk(image, dialogue(), static)
    print(f"flash {flash} bytes of {FLASH_LIMIT}, stack {stack} of {STACK_LIMIT}, static memory {static}")
    sys.exit(flash > FLASH_LIMIT or stack > STACK_LIMIT)


def build():
    command = ["cargo", "build", "--quiet", "--release", "--features", "firmware", "--target", TARGET]
    done = cargo(command + ["--message-format", "json-render-diagnostics"])
    return next(m["executable"] for m in map(json.loads, done.splitlines()) if m.get("executable"))


def cargo(command):
    return subprocess.run(command, cwd=HERE, env=os.environ | SETTINGS, stdout=subprocess.PIPE, check=True, text=True).stdout


def sell(now, valid_for, service="door"):
    """The lines that a phone carries: a signed time and a credential."""
    command = ["cargo", "run", "--quiet", "--example", "seller", "--", SETTINGS["DOOR_KEY"], str(now), str(valid_for), service]
    return cargo(command).splitlines()


def dialogue():
    """Lines, and the letter that answers each."""
    time, good = sell(NOW, HOUR)
    _, expired = sell(NOW - 2 * HOUR, HOUR)
    _, elsewhere = sell(NOW, HOUR, "garage")
    old, _ = sell(NOW - HOUR, HOUR)
    digit = "1" if good[-1] == "0" else "0"
    token, preimage = good.rsplit(":", 1)
    changed = token[:60] + ("A" if token[60] != "A" else "B") + token[61:]
    return [
        (good, "n"),  # the time is not known yet
        (time[:-1] + ("1" if time[-1] == "0" else "0"), "g"),  # not signed by the seller
        (time, "t"),
        (old, "e"),
        (good, "o"),
        (expired, "x"),
        (elsewhere, "u"),
        (f"{changed}:{preimage}", "f"),  # another payment hash
        (good[:-1] + digit, "f"),  # another preimage
        ("L402 AgEE:00", "m"),
        ("x" * 2000, "m"),  # longer than the buffer, and the next line is heard again
        (good.replace("L402", "lsat"), "o"),
    ]


def talk(image, lines, static):
    with tempfile.TemporaryDirectory() as folder:
        paint, control, dump = (os.path.join(folder, name) for name in ("paint", "control", "dump"))
        pathlib.Path(paint).write_bytes(PAINT * (RAM_LEN - static))
        command = ["qemu-system-arm", "-machine", MACHINE, "-display", "none", "-monitor", "none", "-serial", "stdio"]
        command += ["-device", f"loader,file={paint},addr={RAM + static:#x},force-raw=on", "-qmp", f"unix:{control},server,wait=off"]
        qemu = subprocess.Popen(command + ["-kernel", image], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            awaken(qemu)
            for line, letter in lines:
                qemu.stdin.write(line.encode() + b"\r\n")
                qemu.stdin.flush()
                answer = qemu.stdout.readline().decode().strip()
                print(f"{answer}  {line[:76]}")
                if answer != letter:
                    sys.exit(f"expected {letter}")
            save(control, dump)
        finally:
            qemu.kill()
            qemu.wait()
        memory = pathlib.Path(dump).read_bytes()
    stack = memory[static:]
    return len(stack.lstrip(PAINT))


def awaken(qemu):
    """Sends lines until the door answers: what arrives before the firmware has set up its serial port is lost."""
    while not select.select([qemu.stdout], [], [], 0.5)[0]:
        qemu.stdin.write(b"?\r\n")
        qemu.stdin.flush()
    while select.select([qemu.stdout], [], [], 1)[0]:
        os.read(qemu.stdout.fileno(), 4096)


def save(control, dump):
    """Has QEMU write the board's memory to a file."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(control)
        answers = link.makefile()
        for command in ({"execute": "qmp_capabilities"}, {"execute": "stop"},
                        {"execute": "pmemsave", "arguments": {"val": RAM, "size": RAM_LEN, "filename": dump}}):
            link.sendall(json.dumps(command).encode())
            while "return" not in (answer := json.loads(answers.readline())):
                if "error" in answer:
                    sys.exit(str(answer))


def sizes(image):
    """Bytes in flash (what is loaded, wherever it runs), and bytes of static memory, from the program headers."""
    data = pathlib.Path(image).read_bytes()
    (offset,), (size, count) = struct.unpack_from("<I", data, 28), struct.unpack_from("<HH", data, 42)
    headers = [struct.unpack_from("<8I", data, offset + size * at) for at in range(count)]
    loaded = [header for header in headers if header[0] == 1]
    return sum(h[4] for h in loaded), sum(h[5] for h in loaded if RAM <= h[2] < RAM + RAM_LEN)


if __name__ == "__main__":
    main()
