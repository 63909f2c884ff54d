"""Makes docs/report/tests.json of what `cargo test` and `cargo xtask test` printed; called by `scripts/report tests`.

Usage: tests.py SECONDS WORKSPACE.log CORE-MODELS.log STORE-MODELS.log PROTOCOL.log >tests.json
"""

import datetime
import json
import os
import platform
import re
import subprocess
import sys

BINARY = re.compile(r"^ +Running (unittests )?\S+ \(\S*?([A-Za-z0-9_]+)-[0-9a-f]+\)$")
# The same as `cargo xtask test` says it, with the path of the source.
PROGRAM = re.compile(r"^ +Running \S+ \(\S*?(?:crates/)?([a-z-]+)/(?:src|tests|benches)/\S+\)$")
DOCTESTS = re.compile(r"^ +Doc-tests (\w+)$")
RESULT = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored;")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def crate(name):
    """The crate of a library, or of the program itself."""
    return "server" if name == "parlor" else name.removeprefix("parlor_").replace("_", "-")


def by_crate(log):
    """Sums of each crate. Tests of a directory `tests` are listed behind the unit tests of their crate."""
    sums, current = {}, None
    for line in log.splitlines():
        if (binary := BINARY.match(line)) and binary[1]:
            current = crate(binary[2])
        elif program := PROGRAM.match(line):
            current = program[1]
        elif doctests := DOCTESTS.match(line):
            current = crate(doctests[1])
        elif result := RESULT.match(line):
            into = sums.setdefault(current, [0, 0, 0])
            sums[current] = [old + int(new) for old, new in zip(into, result.groups())]
    return [dict(zip(("crate", "passed", "failed", "ignored"), (name, *counts))) for name, counts in sums.items()]


def schedules(path):
    """How many schedules each model is tried with, of each of two kinds."""
    return 2 * int(re.search(r"SCHEDULES: usize = ([0-9_]+);", read(path))[1].replace("_", ""))


def machine():
    model = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    return {
        "processor": model[1] if model else "unknown",
        "processors": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def main():
    seconds, workspace, core, store, protocol = sys.argv[1:]
    states = [int(found) for found in re.findall(r"^(?:test .* \.\.\. )?(\d+) states, \d+ steps deep", read(protocol), re.MULTILINE)]
    models = [
        {"crate": name, "tests": by_crate(read(log))[0], "schedules": schedules(f"crates/{name}/src/shuttle_tests.rs")}
        for name, log in (("core", core), ("store", store))
    ]
    print(json.dumps({
        "machine": machine(),
        "rust": subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        "seconds": int(seconds),
        "crates": by_crate(read(workspace)),
        "transcripts": sum(name.endswith(".chat") for name in os.listdir("crates/server/tests/scripts")),
        "models": models,
        "protocol": {
            "scenarios": len(states),
            "states": sum(states),
            "parts": read("crates/redis-models/tests/session_protocol/ablation.rs").count("#[test]"),
        },
    }, indent=2))


main()
