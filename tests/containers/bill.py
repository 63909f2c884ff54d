"""Checks the bill of materials of a release: that it is valid, and that it agrees with Cargo.lock. Alone: bill.py FILE

It must not need the tool that made the bill.
"""

import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def locked():
    """Returns the packages of Cargo.lock by name and version, with their checksums; our own have none."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package for package in lock["package"]}


def direct(packages):
    """Returns name and version of each direct library of the program, without those that only its tests use."""
    manifest = tomllib.loads((ROOT / "crates/server/Cargo.toml").read_text())
    [program] = [package for (name, _), package in packages.items() if name == "parlor"]
    # An entry names a version only if there are several.
    entries = [entry.split() for entry in program["dependencies"]]
    return {
        (words[0], version)
        for words in entries
        if words[0] in manifest["dependencies"]
        for (name, version) in packages
        if name == words[0] and version in (words[1:] or [version])
    }


def check(text):
    """Raises an AssertionError that names the problem. Returns the number of libraries."""
    bill = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX", bill["bomFormat"]
    packages = locked()
    [program] = [key for key in packages if key[0] == "parlor"]
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == program, component
    listed = {(each["name"], each["version"]): each for each in bill["components"]}
    assert direct(packages) <= listed.keys(), f"not listed: {direct(packages) - listed.keys()}"
    assert listed.keys() <= packages.keys(), f"not in Cargo.lock: {listed.keys() - packages.keys()}"
    assert "expectrl" not in {name for name, _ in listed}, "a library of the tests is listed"
    places = [each["bom-ref"] for each in listed.values() if each["bom-ref"].startswith("path+")]
    assert all(place.startswith("path+file:///crates/") for place in places), places
    for key, each in listed.items():
        known = [packages[key]["checksum"]] if "checksum" in packages[key] else []
        told = [line["content"] for line in each.get("hashes", []) if line["alg"] == "SHA-256"]
        assert told == known, f"{key}: {told} is not {known}"
    return len(listed)


if __name__ == "__main__":
    print(f"{check(Path(sys.argv[1]).read_text())} libraries")
