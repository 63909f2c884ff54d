#!/usr/bin/env python3
"""A client and a bot for Parlor that need only Python's standard library.

As a program, it is a bot to start from. It is in some rooms, answers whoever mentions it or writes to it, and goes on
after any interruption where it stopped; `answer` is the part to replace:

    PARLOR_PASSWORD='a secret word' ./parlor_client.py --ca ca.pem --register --room red --room blue helper

With --lines it sends every line of standard input instead, and prints every event:

    echo "hello" | PARLOR_PASSWORD='a secret word' ./parlor_client.py --lines --ca ca.pem alice

As a module:

    with Client("localhost", 7878, ca="ca.pem") as client:
        client.log_in("alice", "a secret word")
        client.command("/join red")
        client.say("hello")
        for event in client.events():
            print(event)
"""

import argparse
import datetime
import errno
import getpass
import json
import os
import re
import secrets
import socket
import ssl
import sys
import threading
import time
from collections import deque


class Refused(Exception):
    """The server answered with an error. Programs should check `code`."""

    def __init__(self, event):
        super().__init__(f"{event['code']}: {event['message']}")
        self.code = event["code"]


class Ended(ConnectionError):
    """The session is over. `code` says why: that of the goodbye, or None if the connection was lost."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


class Client:
    """One connection. Events are dictionaries; see "JSON format" in docs/protocol.md."""

    # The types of the events that answer a line. All others, those of newer servers too, may come at any time.
    REPLIES = {
        "ok", "error", "pong", "help", "rooms", "users", "history", "subscriptions", "subscribers", "sync", "backlog",
        "inbox", "blocks", "room", "found", "tickets", "sessions",
    }

    # Seconds between two pings. They keep the session of a client that only reads (`--idle-timeout` of the server).
    PING_EVERY = 20
    PING = "keep-alive"

    def __init__(self, host, port=7878, ca=None, timeout=30):
        if ca and not os.path.exists(ca):
            raise FileNotFoundError(errno.ENOENT, "there is no such file", ca)
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        plain = socket.create_connection((host, port), timeout)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.waiting = deque()
        self.sending = threading.Lock()
        self.closed = threading.Event()
        greeting = self.lines.readline().split()
        if greeting[:2] != ["HELLO", "parlor/1"]:
            self.socket.close()
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
                raise Ended(event["message"], event["code"])
            if event["type"] == "bye" or event["type"] in self.REPLIES:
                return event
            self.waiting.append(event)
        raise Ended("the server closed the connection")

    def receive(self):
        """Returns the next event from the server, or None at the end. Skips the answers to pings of this class."""
        while line := self.lines.readline():
            event = json.loads(line)
            if (event["type"], event.get("token")) != ("pong", self.PING):
                return event
        return None

    def events(self):
        """Yields all events from now on, until the server closes the connection."""
        while True:
            while self.waiting:
                yield self.waiting.popleft()
            if (event := self.receive()) is None:
                return
            yield event


def single_line(text):
    """A text as one line, short enough for every server."""
    return " ".join(text.split()).encode()[:1000].decode(errors="ignore")


class State:
    """What a bot has to remember: how far it has dealt with each log, and the answers that it still owes.

    Written to a file before each answer is sent, so that a bot that is started again answers nothing twice: it sends
    the same line with the same key, and the server carries it out at most once."""

    def __init__(self, path=None):
        self.path = path
        self.logs = {}  # target -> [epoch, id, time]
        self.owed = []  # [key, line]
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            self.logs, self.owed = kept["logs"], kept["owed"]
            for target, known in self.logs.items():
                # A file of before has no times.
                self.note(target, *known)

    def save(self):
        if not self.path:
            return
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({"logs": self.logs, "owed": self.owed}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def is_new(self, target, epoch, number, time):
        known = self.logs.get(target)
        if known is None:
            return True
        if known[0] == epoch:
            return known[1] < number
        # The log was restored, and its ids mean nothing here. What was said before is known by its time.
        return len(known) > 2 and known[2] < time

    def note(self, target, epoch, number, time=None):
        """Remembers an entry, or that a log ends there now."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        self.logs[target] = [epoch, number, time or now.replace("+00:00", "Z")]


class Bot:
    """Is in some rooms, and answers each message that mentions it and each direct message, exactly once.

    A room is known by `#room`, the direct messages with a user by `@user`, all direct messages by `inbox`."""

    # The most that one page of a log brings.
    PAGE = 500
    # Codes after which the same line may be accepted later.
    LATER = {"store-unavailable"}
    # The events that are entries of a room's log.
    ROOM_ENTRIES = {"message", "edited", "removed", "topic", "moderated"}
    # What a moderator does that ends the membership of a room.
    ENDS = {"kick", "ban"}
    # Codes of a refused login, and goodbyes, after which it helps to try again.
    TRY_AGAIN = {
        None, "server-shutdown", "slow-consumer", "idle-timeout", "login-timeout", "already-logged-in",
        "store-unavailable", "too-many-attempts", "limit-reached", "takeover-loop",
    }

    def __init__(self, user, password, rooms, state=None):
        self.user, self.password, self.rooms = user, password, rooms
        self.state = state or State()
        self.epochs = {}

    def answer(self, event, target):
        """The answer to a message, or None. This is the part to replace. Two bots that answer each other never stop."""
        return f"{event['from']}: you said {event['text']!r}"

    def run(self, connect, register=False):
        """Runs until the server wants the bot no more. `connect` makes a `Client`."""
        pause = 1
        while True:
            began = time.monotonic()
            try:
                with connect() as client:
                    (client.register if register else client.log_in)(self.user, self.password)
                    register = False
                    self.serve(client)
            except Refused as refused:
                if refused.code not in self.TRY_AGAIN:
                    raise
                why = refused
            except Ended as ended:
                if ended.code not in self.TRY_AGAIN:
                    raise
                why = ended
            except (ssl.SSLCertVerificationError, FileNotFoundError):
                raise
            except (OSError, ValueError) as error:
                why = error
            # After a long session, the next attempt begins soon again.
            pause = 1 if time.monotonic() - began > 60 else min(pause * 2, 30)
            wait = pause * (0.5 + secrets.randbelow(500) / 1000)
            print(f"{why}; connecting again in {wait:.1f} s", file=sys.stderr, flush=True)
            time.sleep(wait)

    def serve(self, client):
        """One session, up to its end."""
        self.resume(client)
        print(f"{self.user} is on {client.server}", file=sys.stderr, flush=True)
        for event in client.events():
            if event["type"] == "bye":
                raise Ended(event["message"], event["code"])
            self.take(client, event)
        raise Ended("the server closed the connection")

    def resume(self, client):
        """Opens the rooms, and deals with all that was said since the last time."""
        sync = client.command("/sync")
        self.epochs = {}
        rooms = {room["room"]: room for room in sync["rooms"]}
        for room in self.rooms:
            if room not in rooms:
                self.open(client, room, rooms)
        # First what was answered before the interruption, in the rooms that are open again.
        self.pay(client)
        for room in filter(rooms.get, self.rooms):
            try:
                self.catch_up(client, f"#{room}", rooms[room]["epoch"], rooms[room]["last"])
            except Refused as refused:
                # Somebody removed the bot from the room meanwhile, which it hears as an event too.
                if refused.code in self.LATER:
                    raise
                print(f"not in {room}: {refused}", file=sys.stderr, flush=True)
        inbox = sync["inbox"]
        known = self.state.logs.get("inbox")
        self.epochs["inbox"] = inbox["epoch"]
        if known is None:
            # The first time: what came before is not answered.
            self.state.note("inbox", inbox["epoch"], inbox["last"])
        else:
            after = known[1] if known[0] == inbox["epoch"] else 0
            missed = []
            for direct in sync["directs"]:
                if direct["last"] > after:
                    missed += self.pages(client, f"@{direct['user']}", after)
            for entry in sorted(missed, key=lambda entry: entry["id"]):
                self.consider(client, entry, "inbox", f"@{entry['from']}")
        self.state.save()

    def open(self, client, room, rooms):
        """Enters a room. One that the bot may not enter is no reason to leave the others alone."""
        try:
            rooms[room] = client.command(f"/open {room}")
        except Refused as refused:
            if refused.code in self.LATER:
                raise
            print(f"not in {room}: {refused}", file=sys.stderr, flush=True)

    def catch_up(self, client, target, epoch, last):
        """Deals with what a room has beyond what the bot knows. Another epoch makes all ids void."""
        self.epochs[target] = epoch
        known = self.state.logs.get(target)
        if known is None:
            self.state.note(target, epoch, last)
            return
        after = known[1] if known[0] == epoch else 0
        if after < last:
            for entry in self.pages(client, target, after):
                self.consider(client, entry, target, target)

    def pages(self, client, target, after):
        """All entries of a log behind a number."""
        more, found = True, []
        while more:
            page = client.command(f"/backlog {target} after {after} {self.PAGE}")
            more = page["more"] and page["entries"]
            found += page["entries"]
            after = found[-1]["id"] if found else after
        return found

    def take(self, client, event):
        """Deals with an event. One of a kind that the bot does not know is none of its business."""
        kind = event["type"]
        if kind in self.ROOM_ENTRIES and f"#{event['room']}" in self.epochs:
            target = f"#{event['room']}"
            self.consider(client, event, target, target)
            if kind == "moderated" and event["action"] in self.ENDS and event["user"] == self.user:
                # The bot comes back when it resumes, if it may. What it hears until then is of other rooms.
                del self.epochs[target]
                print(f"removed from {event['room']}: {event['action']} by {event['from']} {event['reason']}",
                      file=sys.stderr, flush=True)
        elif kind in ("direct", "invited"):
            self.consider(client, event, "inbox", f"@{event['from']}")
            if kind == "invited" and event["room"] in self.rooms and f"#{event['room']}" not in self.epochs:
                opened = {}
                self.open(client, event["room"], opened)
                for room, reply in opened.items():
                    self.catch_up(client, f"#{room}", reply["epoch"], reply["last"])
        # `moved` says where plain lines go after that; a bot names the room of each line.

    def consider(self, client, event, log, target):
        """Answers an entry of a log, unless that is done already."""
        number, time, epoch = event.get("id"), event.get("time", ""), self.epochs[log]
        if number is None or not self.state.is_new(log, epoch, number, time):
            return
        self.state.note(log, epoch, number, time)
        # A log has entries of other kinds too, and what was removed has no text.
        if event["type"] not in ("message", "direct") or event["from"] == self.user or not event["text"]:
            return
        if target.startswith("#") and not self.is_mentioned(event["text"]):
            return
        said = self.answer(event, target)
        if said:
            command = "say" if target.startswith("#") else "msg"
            self.state.owed.append([secrets.token_hex(16), f"/{command} {target[1:]} {single_line(said)}"])
            self.state.save()
            self.pay(client)

    def is_mentioned(self, text):
        return re.search(rf"(?<![\w-]){re.escape(self.user)}(?![\w-])", text, re.IGNORECASE) is not None

    def pay(self, client):
        """Sends the answers that are owed, each until it is accepted or refused for good."""
        while self.state.owed:
            key, line = self.state.owed[0]
            try:
                client.command(f"/once {key} {line}")
            except Refused as refused:
                if refused.code in self.LATER:
                    time.sleep(1)
                    continue
                if refused.code == "unknown-command":
                    # A server of a version before: without a key it is sent once, and not again.
                    self.forget_first()
                    self.send_plain(client, line)
                    continue
                print(f"not said: {line} ({refused})", file=sys.stderr, flush=True)
            self.forget_first()

    def forget_first(self):
        self.state.owed.pop(0)
        self.state.save()

    def send_plain(self, client, line):
        try:
            client.command(line)
        except Refused as refused:
            print(f"not said: {line} ({refused})", file=sys.stderr, flush=True)


def say_all(client):
    for line in sys.stdin:
        client.send(line.rstrip("\r\n"))
    client.send("/quit")


def print_all(arguments, password):
    with Client(arguments.host, arguments.port, arguments.ca, timeout=None) as client:
        enter = client.register if arguments.register else client.log_in
        enter(arguments.user, password)
        for room in arguments.room:
            client.command(f"/join {room}")
        threading.Thread(target=say_all, args=(client,), daemon=True).start()
        for event in client.events():
            print(json.dumps(event, ensure_ascii=False), flush=True)


def main():
    parser = argparse.ArgumentParser(description="A bot that answers whoever mentions it or writes to it.")
    parser.add_argument("user", help="user name; the password comes from PARLOR_PASSWORD or a prompt")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=7878)
    parser.add_argument("--ca", help="PEM file with the CA of the server's certificate")
    parser.add_argument("--register", action="store_true", help="create the account first")
    parser.add_argument("--room", action="append", default=[], help="be in this room; may be given several times")
    parser.add_argument("--state", help="file that remembers what is answered, for the next start")
    parser.add_argument("--lines", action="store_true", help="send standard input line by line, print every event")
    arguments = parser.parse_args()
    password = os.environ.get("PARLOR_PASSWORD") or getpass.getpass()
    try:
        if arguments.lines:
            print_all(arguments, password)
        else:
            rooms = [room.lower() for room in arguments.room]
            bot = Bot(arguments.user.lower(), password, rooms, State(arguments.state))
            bot.run(lambda: Client(arguments.host, arguments.port, arguments.ca, timeout=60), arguments.register)
    except (Refused, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
