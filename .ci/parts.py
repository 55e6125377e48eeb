#!/usr/bin/env python3
"""What the binary is made of: THIRD-PARTY-NOTICES.txt and sbom.cdx.json (CycloneDX 1.5), from cargo's own metadata.

parts.py FOLDER MUSL_COPYRIGHT TARGET...    the crates that any of these targets links
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid

# Compiled into a crate of the list, and with a licence of its own.
INSIDE = {"libsqlite3-sys": "SQLite, in the public domain (https://sqlite.org/copyright.html), is compiled into this package."}


def cargo(*words):
    return subprocess.run(["cargo", *words], check=True, capture_output=True, text=True).stdout


def shipped(targets):
    """Package ids of what is linked: neither build scripts nor macros nor tests."""
    found = set()
    for target in targets:
        # Cut before the sources: "serde v1.0.229 (proc-macro)".
        lines = cargo("tree", "--locked", "-e", "normal,no-proc-macro", "--prefix", "none", "--target", target, "-f", "{p}")
        for line in lines.splitlines():
            words = line.split()
            if len(words) >= 2:
                found.add((words[0], words[1].removeprefix("v")))
    return found


def texts(folder):
    """The licence files that a crate brings, by name."""
    named = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|authors)", re.I)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if named.match(name) and os.path.isfile(path) and os.path.getsize(path) < 100_000:
            with open(path, encoding="utf-8", errors="replace") as file:
                yield name, file.read().replace("\r\n", "\n").strip()


def main():
    folder, musl, *targets = sys.argv[1:]
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    root = metadata["resolve"]["root"]
    by_key = {(p["name"], p["version"]): p for p in metadata["packages"]}
    own = next(p for p in metadata["packages"] if p["id"] == root)
    parts = [by_key[key] for key in sorted(shipped(targets)) if by_key[key]["id"] != root]
    assert len(parts) > 50, "cargo tree names no parts"
    sums = {}
    with open("Cargo.lock", encoding="utf-8") as file:
        for name, version, checksum in re.findall(
            r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]+)"', file.read()
        ):
            sums[(name, version)] = checksum

    # The same text stands once, below all that bring it.
    bodies, without = {}, []
    for part in parts:
        brought = list(texts(os.path.dirname(part["manifest_path"])))
        if not brought:
            without.append(part)
        for _, body in brought:
            bodies.setdefault(body, []).append(f"{part['name']} {part['version']}")
    out = [
        f"connector-doctor {own['version']} is made with the packages below. Their licences, then the texts.",
        "",
    ]
    for part in parts:
        authors = ", ".join(part["authors"])
        out.append(f"{part['name']} {part['version']}: {part['license'] or 'see its text'}" + (f"; {authors}" if authors else ""))
        if part["name"] in INSIDE:
            out.append(f"    {INSIDE[part['name']]}")
    out += ["", "The Rust standard library: MIT OR Apache-2.0; The Rust Project Developers.", "musl: MIT; its text is the last one."]
    if without:
        out += ["", "These bring no text of their own; the one that their licence names stands below under others' names:"]
        out += [f"    {part['name']} {part['version']}" for part in without]
    for body, names in sorted(bodies.items(), key=lambda item: item[1]):
        out += ["", "=" * 100, ", ".join(dict.fromkeys(names)), "-" * 100, body]
    with open(musl, encoding="utf-8") as file:
        out += ["", "=" * 100, "musl", "-" * 100, file.read().strip()]
    with open(os.path.join(folder, "THIRD-PARTY-NOTICES.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")

    def component(part):
        row = {
            "type": "library",
            "bom-ref": f"pkg:cargo/{part['name']}@{part['version']}",
            "name": part["name"],
            "version": part["version"],
            "purl": f"pkg:cargo/{part['name']}@{part['version']}",
            "licenses": [{"expression": (part["license"] or "NOASSERTION").replace("/", " OR ")}],
        }
        if (part["name"], part["version"]) in sums:
            row["hashes"] = [{"alg": "SHA-256", "content": sums[(part["name"], part["version"])]}]
        return row

    components = [component(part) for part in parts]
    when = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    seed = hashlib.sha256(json.dumps(components).encode()).digest()[:16]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=seed, version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": "connector-doctor", "name": "connector-doctor",
                          "version": own["version"], "licenses": [{"expression": own["license"]}]},
        },
        "components": components,
    }
    with open(os.path.join(folder, "sbom.cdx.json"), "w", encoding="utf-8") as file:
        json.dump(bom, file, indent=1)
        file.write("\n")
    print(f"{len(parts)} parts, {len(without)} without a text of their own")


main()
