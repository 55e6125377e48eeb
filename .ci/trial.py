#!/usr/bin/env python3
"""Tries what .ci/release made in target/dist, as root, on Debian: each step ends with a line that says what held.

trial.py [STEP...]    files processors scenarios roots deb rpm parts; all of them where none is named

Roots of Debian are made below target/roots by debootstrap (ROOTS=bookworm,bullseye,trixie). NATIVE is the binary that the
static one is compared with, target/debug/connector-doctor where it is not set. Nothing is sent beyond loopback, and
nothing is installed but in these roots.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIST = os.path.join(ROOT, "target/dist")
ROOTS = os.path.join(ROOT, "target/roots")
NATIVE = os.environ.get("NATIVE", os.path.join(ROOT, "target/debug/connector-doctor"))
VERSION = re.search(r'^version = "(.*)"', open(os.path.join(ROOT, "Cargo.toml"), encoding="utf-8").read(), re.M)[1]
MACHINES = {"x86_64": None, "aarch64": "qemu-aarch64-static", "armv7": "qemu-arm-static"}
# As these systems ship them, and as glibc's own default stands.
HOSTS = [
    "files dns",
    "files mdns4_minimal [NOTFOUND=return] dns myhostname",
    "files resolve [!UNAVAIL=return] dns myhostname",
    "mymachines resolve [!UNAVAIL=return] files myhostname dns",
    "dns [!UNAVAIL=return] files",
]
# 10 MB, and QUIC's share beside.
SIZE_MAX = 11_200_000
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def run(*words, codes=(0,), **more):
    done = subprocess.run(words, capture_output=True, text=True, env=ENV, timeout=600, check=False, **more)
    assert done.returncode in codes, f"{words}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def binary(machine):
    return os.path.join(DIST, f"connector-doctor-{VERSION}-{machine}")


def files():
    for machine in MACHINES:
        said = run("file", "-b", binary(machine))
        assert re.search(r"statically linked|static-pie linked", said), said
        size = os.path.getsize(binary(machine))
        assert machine != "x86_64" or size <= SIZE_MAX, size
        print(f"{machine}: {size} bytes; {said.strip()}")


def processors():
    """Each binary judges the lab on its own processor, or on qemu's."""
    for machine, qemu in MACHINES.items():
        words = ([qemu] if qemu else []) + [binary(machine)]
        assert "static musl" in run(*words, "--version"), machine
        report = json.loads(run(*words, "lab", "--json"))
        assert report["verdict"] == "healthy", (machine, report["verdict"])
        print(f"{machine}: lab is healthy in {report['duration_ms']} ms, {report['tool']['target']}")


def judged(words):
    report = json.loads(run(*words, "--json", codes=(0, 1, 3)))
    checks = {c["id"]: (c["outcome"], c["caused_by"]) for c in report["checks"]}
    causes = [(c["code"], c["severity"], c["confidence"]) for c in report["causes"]]
    return {"verdict": report["verdict"], "checks": checks, "causes": causes}


def scenarios():
    """The same verdict, outcomes and causes as the ordinary build's, in every scenario of the lab."""
    names = [line.split()[0] for line in run(NATIVE, "lab", "--list").splitlines() if line[:1].strip()]
    assert len(names) > 15, names
    for name in names:
        ours, native = judged([binary("x86_64"), "lab", name]), judged([NATIVE, "lab", name])
        assert ours == native, f"{name}\nstatic {ours}\nnative {native}"
    print(f"{len(names)} scenarios: the same verdict, outcomes and causes")


def rooted(name):
    """A root of that release, made once."""
    folder = os.path.join(ROOTS, name)
    if not os.path.exists(os.path.join(folder, "etc/debian_version")):
        run("debootstrap", "--variant=minbase", name, folder)
    return folder


def releases():
    return os.environ.get("ROOTS", "bookworm,bullseye,trixie").split(",")


def reports(root, user, what):
    """In this root, without a network but loopback: a whole report of the lab, and one of this host."""
    jail = ["unshare", "--net", "--", "chroot", f"--userspec={user}:{user}", root, "/doctor"]
    lab = json.loads(run("chroot", f"--userspec={user}:{user}", root, "/doctor", "lab", "--json"))
    assert lab["verdict"] == "healthy", (what, lab["verdict"])
    here = json.loads(run(*jail, "check", "--network", "acme", "--timeout", "1s", "--json", codes=(1, 3)))
    assert here["verdict"] in ("unhealthy", "inconclusive") and len(here["checks"]) > 20, what
    # A name that the system's own lookup is asked for, too: what ended glibc's static build.
    assert here["facts"]["run"]["network"] == "acme", what
    return here


def roots():
    tried = 0
    with tempfile.TemporaryDirectory() as bare:
        os.chmod(bare, 0o755)
        shutil.copy(binary("x86_64"), os.path.join(bare, "doctor"))
        for user in (0, 65534):
            reports(bare, user, "nothing but the binary")
            tried += 1
    for name in releases():
        root = rooted(name)
        shutil.copy(binary("x86_64"), os.path.join(root, "doctor"))
        switch = os.path.join(root, "etc/nsswitch.conf")
        for line in HOSTS:
            with open(switch, "w", encoding="utf-8") as file:
                file.write(f"passwd: files\nhosts: {line}\n")
            for user in (0, 65534):
                reports(root, user, f"{name}, hosts: {line}")
                tried += 1
        os.remove(os.path.join(root, "doctor"))
    print(f"{tried} roots and users: a report each time ({', '.join(releases())}, {len(HOSTS)} lines of nsswitch, none)")


def copied(name):
    folder = os.path.join(ROOTS, f"{name}-copy")
    shutil.rmtree(folder, ignore_errors=True)
    run("cp", "-a", rooted(name), folder)
    return folder


INSTALLED = [
    "usr/bin/connector-doctor", "usr/share/man/man1/connector-doctor.1.gz", "etc/connector-doctor/config.toml",
    "usr/share/bash-completion/completions/connector-doctor", "usr/share/fish/vendor_completions.d/connector-doctor.fish",
    "usr/lib/systemd/system/connector-doctor-watch.service", "usr/lib/systemd/system/connector-doctor-check.timer",
    "usr/share/doc/connector-doctor/THIRD-PARTY-NOTICES.txt.gz",
]


def there(root, names):
    return [name for name in names if os.path.lexists(os.path.join(root, name))]


def installed(root, shell_path):
    assert there(root, INSTALLED + [shell_path]) == INSTALLED + [shell_path], there(root, INSTALLED)
    # Enabled by nobody but the administrator.
    assert not glob.glob(os.path.join(root, "etc/systemd/system/*.wants/connector-doctor*"))
    lab = json.loads(run("chroot", root, "/usr/bin/connector-doctor", "lab", "clock-behind", "--json", codes=(1,)))
    assert lab["causes"][0]["code"] == "clock-skew", lab["causes"]
    # By this machine's systemd, which has the targets that a small root lacks; the program is the root's.
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for unit in glob.glob(os.path.join(root, "usr/lib/systemd/system/connector-doctor-*")):
            text = open(unit, encoding="utf-8").read().replace("/usr/bin/connector-doctor", f"{root}/usr/bin/connector-doctor")
            units.append(os.path.join(folder, os.path.basename(unit)))
            with open(units[-1], "w", encoding="utf-8") as file:
                file.write(text)
        assert len(units) == 3, units
        done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr


def changed(root):
    """What an administrator writes, and what the watch keeps."""
    config = os.path.join(root, "etc/connector-doctor/config.toml")
    with open(config, "a", encoding="utf-8") as file:
        file.write('network = "acme"\n')
    kept = os.path.join(root, "var/lib/private/connector-doctor")
    os.makedirs(kept)
    open(os.path.join(kept, "store"), "w", encoding="utf-8").close()
    return config, kept


def deb():
    package = glob.glob(os.path.join(DIST, "*_amd64.deb"))[0]
    run("lintian", "--allow-root", "--fail-on", "error", package)
    for name in releases():
        root = copied(name)
        before = set(run("find", root, "-xdev", "-path", "*connector-doctor*").split())
        shutil.copy(package, os.path.join(root, "one.deb"))
        newer = os.path.join(root, "newer")
        run("dpkg-deb", "-R", package, newer)
        control = os.path.join(newer, "DEBIAN/control")
        text = open(control, encoding="utf-8").read().replace(f"Version: {VERSION}", f"Version: {VERSION}+1")
        open(control, "w", encoding="utf-8").write(text)
        run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "-b", newer, os.path.join(root, "two.deb"))
        shutil.rmtree(newer)
        run("chroot", root, "dpkg", "-i", "/one.deb")
        installed(root, "usr/share/zsh/vendor-completions/_connector-doctor")
        config, kept = changed(root)
        run("chroot", root, "dpkg", "-i", "/two.deb")
        installed(root, "usr/share/zsh/vendor-completions/_connector-doctor")
        assert 'network = "acme"' in open(config, encoding="utf-8").read(), "an upgrade keeps the configuration"
        run("chroot", root, "dpkg", "-r", "connector-doctor")
        assert not there(root, INSTALLED[:2] + INSTALLED[3:]) and os.path.exists(config) and os.path.exists(kept)
        run("chroot", root, "dpkg", "-P", "connector-doctor")
        left = set(run("find", root, "-xdev", "-path", "*connector-doctor*").split()) - before
        assert not left, left
        shutil.rmtree(root)
    print(f"deb: lintian has no error; installed, upgraded, removed and purged in {', '.join(releases())}")


def rpm():
    package = glob.glob(os.path.join(DIST, "*.x86_64.rpm"))[0]
    root = copied(releases()[0])
    before = set(run("find", root, "-xdev", "-path", "*connector-doctor*").split())
    # A root of Debian has no list of what rpm installed: its shell is there all the same.
    words = ["rpm", "--root", root, "--nodeps"]
    run(*words, "-Uvh", package)
    installed(root, "usr/share/zsh/site-functions/_connector-doctor")
    config, kept = changed(root)
    run(*words, "-Uvh", "--force", package)
    assert 'network = "acme"' in open(config, encoding="utf-8").read(), "an upgrade keeps the configuration"
    run(*words, "-e", "connector-doctor")
    assert not there(root, INSTALLED) and os.path.exists(config + ".rpmsave") and os.path.exists(kept)
    left = set(run("find", root, "-xdev", "-path", "*connector-doctor*").split()) - before
    left = {path for path in left if not path.endswith(".rpmsave") and "/var/lib/private" not in path}
    assert left <= {os.path.dirname(config)}, left
    shutil.rmtree(root)
    print("rpm: installed, upgraded and erased; a changed configuration is kept as .rpmsave")


def parts():
    """Every crate that cargo links stands in both lists."""
    bom = json.load(open(os.path.join(DIST, "sbom.cdx.json"), encoding="utf-8"))
    listed = {(c["name"], c["version"]) for c in bom["components"]}
    notices = open(os.path.join(DIST, "THIRD-PARTY-NOTICES.txt"), encoding="utf-8").read()
    cargo = shutil.which("cargo")
    linked = set()
    for target in ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "armv7-unknown-linux-musleabihf"):
        lines = subprocess.run([cargo, "tree", "--locked", "-e", "normal,no-proc-macro", "--prefix", "none", "--target", target,
                                "-f", "{p}"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
        linked |= {(w[0], w[1].removeprefix("v")) for w in map(str.split, lines.splitlines()) if len(w) > 1}
    linked = {part for part in linked if part[0] != "connector-doctor"}
    assert linked == listed, linked ^ listed
    missing = [part for part in linked if f"\n{part[0]} {part[1]}: " not in notices]
    assert not missing, missing
    # The program itself names a file of each crate whose code can panic: none is unknown to the list.
    said = run("strings", "-n", "8", binary("x86_64"))
    inside = set(re.findall(r"/cargo/registry/src/[^/]+/([a-zA-Z0-9_-]+)-(\d+\.\d+\.\d+[^/]*)/", said))
    assert inside and inside <= listed, inside - listed
    print(f"{len(linked)} crates in the list of parts and in the notices; {len(inside)} of them named by the binary itself")


STEPS = {step.__name__: step for step in (files, processors, scenarios, roots, deb, rpm, parts)}
for word in sys.argv[1:] or STEPS:
    print(f"== {word}", flush=True)
    STEPS[word]()
