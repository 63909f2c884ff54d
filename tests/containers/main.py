"""Tests of what is shipped: the containers, and the Debian package. Called by scripts/test-compose."""

import sys
import tempfile
import time
import traceback
from pathlib import Path

import system
from compose import System

ROOT = Path(__file__).resolve().parents[2]


def test_system(directory):
    containers = System(ROOT)
    town = system.Town(containers, directory)
    try:
        for step in system.STEPS:
            say_and_do(step, town)
    except BaseException:
        print(containers.logs(), file=sys.stderr)
        containers.remove()
        raise


def say_and_do(step, *arguments):
    name = step.__name__.replace("_", " ")
    begin = time.monotonic()
    print(f"{name} ... ", end="", flush=True)
    step(*arguments)
    print(f"ok, {time.monotonic() - begin:.0f} s", flush=True)


def main():
    with tempfile.TemporaryDirectory() as directory:
        try:
            test_system(Path(directory))
        except Exception:
            traceback.print_exc()
            sys.exit("FAILED")


if __name__ == "__main__":
    main()
