"""People who chat, from outside of the containers, with the client of examples/. It must not know where servers run."""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
from parlor_client import Client, Refused  # noqa: E402

PATIENCE = 120


class Person:
    """Somebody with an account, who knows the ports of several servers."""

    def __init__(self, name, password, ports, ca):
        self.name, self.password, self.ports, self.ca = name, password, list(ports), ca
        self.client = None

    def connect(self, room=None):
        """Logs in at the first server that lets us; the one that failed last is tried last."""
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
        """The numbers and texts of the last messages of the room, the oldest first."""
        return [(entry["id"], entry["text"]) for entry in self.client.command(f"/history {count}")["messages"]]


class Speaker(threading.Thread):
    """Says numbered lines without end, in one room, on whatever server there is, until told to stop.

    A line that was refused is said again, and so is one whose answer was lost; so a line may be there twice if it was
    not answered, but everything that was answered must be there.
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
        """A condition: that more was accepted since now."""
        before = len(self.accepted)
        return lambda: self.goes_on() and len(self.accepted) > before + 5

    def goes_on(self):
        """That nothing unexpected has happened; raises what did."""
        if self.failure:
            raise self.failure
        return True

    def stop(self):
        self.stopping.set()
        self.join(PATIENCE)
        assert not self.is_alive(), "the speaker hangs"
        self.goes_on()


class Listener(threading.Thread):
    """Hears messages until its connection ends."""

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
