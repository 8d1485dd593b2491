"""Unpaid requests from many addresses of this machine, as fast as a gateway takes them.

Linux lets a program connect from any address of 127.0.0.0/8. Each address has one connection, and sends all its requests at once.
"""

import collections
import ipaddress
import itertools
import selectors
import socket
import time

FIRST = int(ipaddress.IPv4Address("127.1.0.1"))
STATUS = b"HTTP/1.1 "


class Asker:
    """One address, and what it has been answered."""

    def __init__(self, number: int, port: int, requests: int):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((str(ipaddress.IPv4Address(FIRST + number)), 0))
        self.socket.connect_ex(("127.0.0.1", port))
        line = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
        self.unsent = (line + b"\r\n") * (requests - 1) + line + b"Connection: close\r\n\r\n"
        self.rest = b""

    def send(self) -> bool:
        """Sends what the gateway takes; tells whether all is sent."""
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except (ConnectionError, BlockingIOError):
            pass  # what is read next says it
        return not self.unsent

    def receive(self, statuses: collections.Counter) -> bool:
        """Counts the answers that have come; tells whether more can."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        if not data:
            return False
        data = self.rest + data
        at = data.find(STATUS)
        while 0 <= at <= len(data) - 12:
            statuses[int(data[at + 9 : at + 12])] += 1
            at = data.find(STATUS, at + 12)
        # A status line that is not whole yet is looked at again.
        self.rest = data[at:] if at >= 0 else data[-8:]
        return True


def flood(port: int, addresses: int, each: int, at_once: int, seconds: float) -> tuple[collections.Counter, float]:
    """Asks `each` times from each of so many addresses, until all have their answers or the time is over.

    Returns how many answers had which status, and the seconds that it took.
    """
    statuses, waiting, begun = collections.Counter(), iter(range(addresses)), time.monotonic()
    with selectors.DefaultSelector() as selector:
        open_now = sum(begin(selector, number, port, each) for number in itertools.islice(waiting, at_once))
        while open_now and time.monotonic() - begun < seconds:
            for key, events in selector.select(1):
                asker = key.data
                if events & selectors.EVENT_WRITE and asker.send():
                    selector.modify(asker.socket, selectors.EVENT_READ, asker)
                if events & selectors.EVENT_READ and not asker.receive(statuses):
                    selector.unregister(asker.socket)
                    asker.socket.close()
                    open_now -= 1
                    open_now += sum(begin(selector, number, port, each) for number in itertools.islice(waiting, 1))
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return statuses, time.monotonic() - begun


def begin(selector: selectors.BaseSelector, number: int, port: int, requests: int) -> int:
    asker = Asker(number, port, requests)
    selector.register(asker.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, asker)
    return 1
