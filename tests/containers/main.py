"""Tests of what is shipped: the containers and the Debian package. Called by scripts/test-compose.

    main.py system              the system of docker-compose.yml, whose image is built
    main.py system IMAGE        the same with an image that is there
    main.py package FILE.deb    a package
"""

import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import package
import system
from compose import System

ROOT = Path(__file__).resolve().parents[2]


def subject(arguments, directory):
    """Returns the tested system and the steps; each step builds on those before it."""
    match arguments:
        case ["system", *images] if len(images) <= 1:
            return system.Town(System(ROOT, *images), directory), system.STEPS
        case ["package", file]:
            return package.Machine(file, directory), package.STEPS
    sys.exit(__doc__)


def say_and_do(step, *arguments):
    begin = time.monotonic()
    print(f"{step.__name__.replace('_', ' ')} ... ", end="", flush=True)
    step(*arguments)
    print(f"ok, {time.monotonic() - begin:.0f} s", flush=True)


def main():
    # Whoever ends this leaves no containers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as directory:
        tried, steps = subject(sys.argv[1:], Path(directory))
        try:
            for step in steps:
                say_and_do(step, tried)
        except Exception:
            print("FAILED")
            print(tried.logs(), file=sys.stderr)
            traceback.print_exc()
            sys.exit(1)
        finally:
            tried.remove()


if __name__ == "__main__":
    main()
