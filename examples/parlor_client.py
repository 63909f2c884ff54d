#!/usr/bin/env python3
"""A client for Parlor that needs only Python's standard library.

As a program, it sends every line of standard input and prints every event:

    echo "hello" | PARLOR_PASSWORD='a secret word' ./parlor_client.py --ca ca.pem alice
    PARLOR_PASSWORD='a secret word' ./parlor_client.py --register --room red bob

As a module:

    with Client("localhost", 7878, ca="ca.pem") as client:
        client.log_in("alice", "a secret word")
        client.command("/join red")
        client.say("hello")
        for event in client.events():
            print(event)
"""

import argparse
import getpass
import json
import os
import socket
import ssl
import sys
import threading
from collections import deque


class Refused(Exception):
    """The server answered with an error. Programs should check `code`."""

    def __init__(self, event):
        super().__init__(f"{event['code']}: {event['message']}")
        self.code = event["code"]


class Client:
    """One connection. Events are dictionaries; see "JSON format" in docs/protocol.md."""

    # Events that may come at any time. Every other event answers a command.
    UNASKED = {"message", "publication", "direct", "notice", "joined", "left"}

    # Seconds between two pings. They keep the session of a client that only reads (`--idle-timeout` of the server).
    PING_EVERY = 20
    PING = "keep-alive"

    def __init__(self, host, port=7878, ca=None, timeout=30):
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.socket = context.wrap_socket(socket.create_connection((host, port), timeout), server_hostname=host)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.waiting = deque()
        self.sending = threading.Lock()
        self.closed = threading.Event()
        greeting = self.lines.readline().split()
        if greeting[:2] != ["HELLO", "parlor/1"]:
            raise ConnectionError(f"the server does not speak parlor/1: {greeting}")
        self.server = greeting[2]
        self.command("FORMAT json")
        threading.Thread(target=self.keep_alive, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed.set()
        self.socket.close()

    def keep_alive(self):
        """Pings until the connection ends. The receiver notices its end."""
        try:
            while not self.closed.wait(self.PING_EVERY):
                self.send(f"/ping {self.PING}")
        except OSError:
            pass

    def log_in(self, user, password):
        return self.command(f"LOGIN {user} {password}")

    def register(self, user, password):
        return self.command(f"REGISTER {user} {password}")

    def say(self, text):
        """Sends a message to the current room. Returns its id when the server has accepted it."""
        return self.command("/" + text if text.startswith("/") else text)["id"]

    def send(self, line):
        """Sends one line without waiting for the answer."""
        with self.sending:
            self.socket.sendall(line.encode() + b"\n")

    def command(self, line):
        """Sends one line, which must not be blank, and returns the answer. Keeps events that come before it."""
        self.send(line)
        while (event := self.receive()) is not None:
            if event["type"] == "error":
                raise Refused(event)
            if event["type"] == "bye" and line != "/quit":
                raise ConnectionError(event["message"])
            if event["type"] not in self.UNASKED:
                return event
            self.waiting.append(event)
        raise ConnectionError("the server closed the connection")

    def receive(self):
        """Returns the next event from the server, or None at the end. Skips the answers to pings of this class."""
        while line := self.lines.readline():
            event = json.loads(line)
            if (event["type"], event.get("token")) != ("pong", self.PING):
                return event
        return None

    def events(self):
        """Yields all events from now on, until the server closes the connection."""
        while self.waiting:
            yield self.waiting.popleft()
        while (event := self.receive()) is not None:
            yield event


def say_all(client):
    for line in sys.stdin:
        client.send(line.rstrip("\r\n"))
    client.send("/quit")


def main():
    parser = argparse.ArgumentParser(description="Sends every line of standard input and prints every event.")
    parser.add_argument("user", help="user name; the password comes from PARLOR_PASSWORD or a prompt")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=7878)
    parser.add_argument("--ca", help="PEM file with the CA of the server's certificate")
    parser.add_argument("--register", action="store_true", help="create the account first")
    parser.add_argument("--room", help="enter this room")
    arguments = parser.parse_args()
    password = os.environ.get("PARLOR_PASSWORD") or getpass.getpass()
    try:
        with Client(arguments.host, arguments.port, arguments.ca, timeout=None) as client:
            enter = client.register if arguments.register else client.log_in
            enter(arguments.user, password)
            if arguments.room:
                client.command(f"/join {arguments.room}")
            threading.Thread(target=say_all, args=(client,), daemon=True).start()
            for event in client.events():
                print(json.dumps(event, ensure_ascii=False), flush=True)
    except (Refused, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
