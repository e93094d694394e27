"""The rpm: in a small system that rpm fills from outside. Its scripts run there; of what it requires nothing is asked, since
the system is none that rpm knows."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

from collector import __version__
from tests.collecting import CSE
from tests.endpoint.running import Endpoint
from tests.packaging.packaged import OLDER, Packages
from tests.packaging.roots import Root, made
from tests.packaging.test_deb import CONFIG, ENABLED, collected, left

pytestmark = pytest.mark.slow
#: What rpm knows since 4.11, which is the oldest that counts (RHEL 7, SLES 12).
KNOWN = {"CompressedFileNames", "FileDigests", "PayloadFilesHavePrefix", "PayloadIsXz", "TildeInVersions"}
#: What rpm says where it keeps a configuration.
_SAVED = r"warning: /etc/vmext/config\.toml (saved as|created as) /etc/vmext/config\.toml\.(rpmsave|rpmnew)"
_SHA256 = "8"  # RFC 9580, 9.5


@pytest.fixture()
def root(tmp_path: Path) -> Root:
    """With the tools of systemd, which works without running, and no service enabled by itself, as with RHEL."""
    one = made("bookworm", tmp_path / "root", ("systemd", "dbus"))
    one.path("/usr/lib/systemd/system-preset").mkdir(exist_ok=True)
    one.path("/usr/lib/systemd/system-preset/99-default-disable.preset").write_text("disable *\n")
    return one


def rpm(root: Root, *arguments: object) -> str:
    command = ["rpm", "--force-debian", "--root", root.folder, "--dbpath", "/var/lib/rpm", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if not re.fullmatch(_SAVED, line)]
    assert (done.returncode, said) == (0, []), done
    return done.stdout


def asked(package: Path, what: str) -> str:
    command = ["rpm", "--query", "--package", "--queryformat", what, str(package)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def gone(root: Root, before: set[str]) -> set[str]:
    """The same as `left` without what rpm keeps of itself."""
    return {name for name in left(root, before) if not name.startswith("var/lib/rpm")}


def test_the_life_of_a_package(root: Root, packages: Packages, served: Endpoint):
    before = root.files()
    rpm(root, "--install", "--nodeps", packages.rpm(OLDER))
    told = root.path(CONFIG).stat()
    assert (stat.S_IMODE(told.st_mode), told.st_uid) == (0o600, 0)
    assert root.has("/usr/lib/systemd/system/vmext.service")
    assert not root.has(ENABLED)
    installed = root.files()
    assert root.done("vmext", "--version") == f"vmext {__version__}\n"

    result = collected(root, served)
    assert (result.code, result.err) == (10, "")
    assert (result.json["delivery"]["state"], result.json["findings"][0]["extension"]) == ("delivered", CSE)
    assert gone(root, installed) == {"etc/vmext/token", "var/lib/vmext"}

    config, state = root.path(CONFIG).read_bytes(), sorted(root.path("/var/lib/vmext").rglob("*"))
    rpm(root, "--upgrade", "--nodeps", packages.rpm())
    assert rpm(root, "--query", "vmext") == f"vmext-{__version__}-1.x86_64\n"
    assert (root.path(CONFIG).read_bytes(), sorted(root.path("/var/lib/vmext").rglob("*"))) == (config, state)
    assert not root.has(ENABLED)
    changed = root.folder, "--dbpath", "/var/lib/rpm", "--verify", "--nodeps", "vmext"
    differs = subprocess.run(["rpm", "--root", *changed], capture_output=True, text=True, check=False).stdout
    assert differs.split() == ["S.5....T.", "c", CONFIG]  # its size, content and time, and nothing else

    rpm(root, "--erase", "vmext")
    assert root.path(f"{CONFIG}.rpmsave").read_bytes() == config
    assert gone(root, before) == {"etc/vmext", "var/lib/vmext"}


def test_a_configuration_that_is_there_before_is_kept_and_enables_the_service(root: Root, packages: Packages):
    text = '  upload_url = "https://support.example"\n'
    root.path("/etc/vmext").mkdir()
    root.path(CONFIG).write_text(text)
    rpm(root, "--install", "--nodeps", packages.rpm())
    assert root.has(f"{CONFIG}.rpmnew")
    assert root.path(CONFIG).read_text() == text
    assert root.has(ENABLED)
    rpm(root, "--erase", "vmext")
    assert not root.has(ENABLED)


def test_old_versions_of_rpm_can_read_it(packages: Packages):
    required = asked(packages.rpm(), "[%{REQUIRENAME} %{REQUIREVERSION}\n]").split("\n")
    needed = {name for line in required for name in re.findall(r"^rpmlib\((\w+)\)", line)}
    assert needed <= KNOWN
    others = {line.strip() for line in required if line and not line.startswith("rpmlib(")}
    assert others == {"/bin/sh", "libc.so.6(GLIBC_2.17)(64bit)", "libgcc_s.so.1()(64bit)"}
    assert asked(packages.rpm(), "%{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}") == f"xz {_SHA256}"


def test_its_digests_hold(packages: Packages):
    told = subprocess.run(["rpm", "--checksig", packages.rpm()], capture_output=True, text=True, check=True).stdout
    assert told.strip().endswith("digests OK")


def test_rpmlint_finds_no_error_that_is_not_wanted(packages: Packages):
    """Not signed and no maintainer, since nobody publishes it; the configuration is for root alone; what changed stands in
    CHANGELOG.md."""
    done = subprocess.run(["rpmlint", packages.rpm()], capture_output=True, text=True, check=False)
    errors = {line.split()[2] for line in done.stdout.splitlines() if ": E: " in line}
    assert errors == {"no-signature", "no-packager-tag", "non-readable", "no-changelogname-tag"}
