"""A browser as the servers see it: it logs in once by POST /session, and comes back by its cookie alone.

It must not know where servers run, and must keep no password.
"""

import base64
import http.client
import json
import os
import socket
import ssl
import struct
import threading
import time

PATIENCE = 120
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def context(ca):
    made = ssl.create_default_context(cafile=ca)
    made.set_alpn_protocols(["http/1.1"])
    return made


def ask_page(ca, port, method, path, fields=None, body=None):
    """Sends a request as the page of this port does. Returns status, cookie and body."""
    connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=context(ca))
    fields = {"Origin": f"https://localhost:{port}", "Content-Type": "application/json", **(fields or {})}
    connection.request(method, path, body, fields)
    response = connection.getresponse()
    cookie = (response.headers["Set-Cookie"] or "").split(";")[0]
    return response.status, cookie, response.read().decode()


def log_in(ca, port, name, password):
    """Returns the cookie of a browser."""
    status, cookie, body = ask_page(ca, port, "POST", "/session", body=json.dumps({"user": name, "password": password}))
    assert (status, json.loads(body)) == (200, {"user": name}), body
    return cookie


class WebSocket:
    """A connection that a page of this port opened with its cookie. It raises ValueError at a close frame."""

    def __init__(self, ca, port, cookie):
        plain = socket.create_connection(("localhost", port), 30)
        self.stream = context(ca).wrap_socket(plain, server_hostname="localhost")
        self.stream.settimeout(30)
        self.received, self.lines = b"", []
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall((
            f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\nCookie: {cookie}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ).encode())
        head = self.until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ValueError(head.decode())

    def until(self, end):
        while end not in self.received:
            self.receive()
        found, self.received = self.received.split(end, 1)
        return found

    def receive(self):
        more = self.stream.recv(65536)
        if not more:
            raise OSError("the connection was closed")
        self.received += more

    def take(self, count):
        while len(self.received) < count:
            self.receive()
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def send(self, line, opcode=TEXT):
        payload, mask = line.encode() if isinstance(line, str) else line, os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.stream.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def event(self):
        """The next event; answers the pings that come before it."""
        while not self.lines:
            first, size = self.take(2)
            if size >= 126:
                size = int.from_bytes(self.take(2 if size == 126 else 8), "big")
            opcode, payload = first & 15, self.take(size)
            if opcode == CLOSE:
                raise ValueError(f"closed with {int.from_bytes(payload[:2], 'big')}")
            if opcode == PING:
                self.send(payload, PONG)
            if opcode == TEXT:
                self.lines = payload.decode().splitlines()
        return json.loads(self.lines.pop(0))


class Browser(threading.Thread):
    """Sends numbered lines in one room, each under its key until it is accepted, and notes all that is said there."""

    def __init__(self, name, cookie, port, ca, room):
        super().__init__(daemon=True)
        self.name, self.cookie, self.port, self.ca, self.room = name, cookie, port, ca, room
        # By number: what it said, and all that it saw.
        self.said, self.shown = {}, {}
        self.first, self.sessions = None, 0
        self.failure = None
        self.stopping = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.visit()
                except (OSError, ValueError):
                    time.sleep(0.2)
        except BaseException as failure:
            self.failure = failure

    def visit(self):
        """One session, from the cookie to its end."""
        socket = WebSocket(self.ca, self.port, self.cookie)
        self.answer(socket, None, "login")
        entered = self.answer(socket, f"/join {self.room}", "join")
        if self.first is None:
            self.first = entered["last"] + 1
        self.catch_up(socket)
        self.sessions += 1
        while not self.stopping.is_set():
            text = f"{self.name} {len(self.said)}"
            stored = self.answer(socket, f"/once {text.replace(' ', '-')} {text}", "message")
            self.said[stored["id"]] = text
            self.show(stored["id"], text)
        self.catch_up(socket)

    def catch_up(self, socket):
        while self.answer(socket, f"/backlog #{self.room} after {self.end() - 1} 500", "backlog")["more"]:
            pass

    def answer(self, socket, line, command):
        """The answer to a line, or to the cookie. What is no answer is noted. A store that is away raises ValueError."""
        if line:
            socket.send(line)
        while True:
            event = socket.event()
            kind = event["type"]
            for entry in {"message": [event], "backlog": event.get("entries")}.get(kind, []):
                self.show(entry["id"], entry["text"])
            if kind in ("error", "bye"):
                assert event["code"] in ("store-unavailable", "server-shutdown"), event
                raise ValueError(event["code"])
            if command == (event["command"] if kind == "ok" else kind) and kind != "message":
                return event

    def show(self, number, text):
        known = self.shown.setdefault(number, text)
        assert known == text, f"number {number} is {known!r} and {text!r}"

    def end(self):
        """The first number that it did not see."""
        number = self.first
        while number in self.shown:
            number += 1
        return number

    def goes_on(self):
        """Returns True; raises the browser's failure if there is one."""
        if self.failure:
            raise self.failure
        return True

    def has_said_more(self):
        """Returns a condition: more than 5 further lines are accepted."""
        before = len(self.said)
        return lambda: self.goes_on() and len(self.said) > before + 5

    def stop(self):
        self.stopping.set()
        self.join(PATIENCE)
        assert not self.is_alive(), "the browser hangs"
        self.goes_on()
