"""Containers for the tests: commands of Docker and Compose, and their output. It must not know the chat.

Everything has unique names, so that a test touches nothing else on the machine and can remove everything it made.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time

PATIENCE = 120


def run(*words, check=True, **options):
    """Runs a command to its end, with its output as text. A failure shows the output."""
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_until(what, condition):
    """Waits until the condition holds, for 120 s at most, since the machine may be busy."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"timed out waiting until {what}"
        time.sleep(0.1)
    return answer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def inspect(container):
    return json.loads(run("docker", "inspect", container).stdout)[0]


class System:
    """A Compose project with its own names, ports and networks, different from those of other users of the machine."""

    def __init__(self, root, image=None):
        """Uses an existing image; without one, builds it."""
        self.root = root
        self.given = image
        self.name = f"parlor-test-{secrets.token_hex(4)}"
        self.program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        self.files = ["docker-compose.yml"]
        self.ports = {name: free_port() for name in ("parlor-1", "parlor-2", "parlor-3", "balancer")}
        network = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"
        self.environment = dict(
            os.environ,
            COMPOSE_PROJECT_NAME=self.name,
            PARLOR_IMAGE=image or f"{self.name}:latest",
            PARLOR_1_PORT=str(self.ports["parlor-1"]),
            PARLOR_2_PORT=str(self.ports["parlor-2"]),
            PARLOR_3_PORT=str(self.ports["parlor-3"]),
            PARLOR_PORT=str(self.ports["balancer"]),
            PARLOR_EDGE=f"{network}.0/28",
            PARLOR_BALANCER=f"{network}.14",
        )

    def up(self):
        """Starts everything as users do. Does not build an existing image."""
        self.compose("up", "--no-build" if self.given else "--build", "--detach")

    def compose(self, *words, check=True, **options):
        files = [word for file in self.files for word in ("-f", file)]
        return run(*self.program, *files, *words, check=check, cwd=self.root, env=self.environment, **options)

    def execute(self, service, *words, check=True, **options):
        """Runs a command in the container of a running service."""
        return run("docker", "exec", "--interactive", self.container(service), *words, check=check, **options)

    def container(self, service):
        labels = {"project": self.name, "service": service, "oneoff": "False"}
        filters = [word for label in labels.items() for word in ("--filter", "label=com.docker.compose.%s=%s" % label)]
        return run("docker", "ps", "--all", "--quiet", *filters).stdout.split()[0]

    def health(self, service):
        return inspect(self.container(service))["State"]["Health"]["Status"]

    def wait_for_health(self, *services):
        for service in services:
            wait_until(f"{service} is healthy", lambda: self.health(service) == "healthy")

    def kill(self, service):
        """Kills all processes of a container at once, as a failing machine does."""
        run("docker", "kill", "--signal", "KILL", self.container(service))

    def logs(self, *services):
        return self.compose("logs", "--no-color", *services, check=False).stdout

    def remove(self):
        """Removes everything, with the command that users use, and removes the built image."""
        self.compose("--profile", "third", "--profile", "demo", "down", "--volumes", "--timeout", "20")
        if not self.given:
            run("docker", "image", "rm", "--force", self.environment["PARLOR_IMAGE"], check=False)

    def leftovers(self):
        """Returns everything that Docker still has of the project."""
        label = f"label=com.docker.compose.project={self.name}"
        kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [line for kind in kinds for line in run("docker", *kind, "--quiet", "--filter", label).stdout.split()]
