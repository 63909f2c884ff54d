"""Users who chat from outside of the containers, with the client of examples/. It must not know where servers run."""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
from parlor_client import Client, Refused  # noqa: E402

PATIENCE = 120


class Person:
    """A user with an account, who knows the ports of several servers."""

    def __init__(self, name, password, ports, ca):
        self.name, self.password, self.ports, self.ca = name, password, list(ports), ca
        self.client = None

    def connect(self, room=None):
        """Logs in to the first server that accepts; tries the server that failed last at the end."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.client = Client("localhost", self.ports[0], self.ca)
                self.client.log_in(self.name, self.password)
                if room:
                    self.client.command(f"/join {room}")
                return self
            except (OSError, ValueError, Refused) as error:
                assert time.monotonic() < deadline, f"{self.name} cannot log in: {error}"
                self.ports.append(self.ports.pop(0))
                time.sleep(0.2)

    def history(self, count):
        """Returns the numbers and texts of the last messages of the room, oldest first."""
        return [(entry["id"], entry["text"]) for entry in self.client.command(f"/history {count}")["messages"]]


class Speaker(threading.Thread):
    """Sends numbered lines in one room, on any available server, until it is stopped.

    It retries a refused line, and a line whose answer was lost. So a line without an answer may be there twice, but
    every accepted line must be there.
    """

    def __init__(self, person, room):
        super().__init__(daemon=True)
        self.person, self.room = person, room
        self.accepted = []
        self.reconnected = 0
        self.failure = None
        self.stopping = threading.Event()

    def run(self):
        try:
            number = 0
            while not self.stopping.is_set():
                text = f"{self.person.name} {number}"
                if (accepted := self.say(text)) is not None:
                    self.accepted.append((accepted, text))
                    number += 1
        except BaseException as failure:
            self.failure = failure

    def say(self, text):
        try:
            return self.person.client.say(text)
        except Refused as refused:
            assert refused.code == "store-unavailable", refused
            time.sleep(0.05)
        except (OSError, ValueError):
            self.person.connect(self.room)
            self.reconnected += 1
        return None

    def has_said_more(self):
        """Returns a condition: more than 5 further lines are accepted."""
        before = len(self.accepted)
        return lambda: self.goes_on() and len(self.accepted) > before + 5

    def goes_on(self):
        """Returns True; raises the speaker's failure if there is one."""
        if self.failure:
            raise self.failure
        return True

    def stop(self):
        self.stopping.set()
        self.join(PATIENCE)
        assert not self.is_alive(), "the speaker hangs"
        self.goes_on()


class Listener(threading.Thread):
    """Receives messages until its connection ends."""

    def __init__(self, person):
        super().__init__(daemon=True)
        self.person = person
        self.heard = []
        self.is_connected = True
        self.start()

    def run(self):
        try:
            for event in self.person.client.events():
                if event["type"] == "message":
                    self.heard.append((event["id"], event["text"]))
        except (OSError, ValueError):
            pass
        self.is_connected = False

    def hears(self, message):
        return lambda: message in self.heard
