"""The deb in small systems without Python: installed, used, updated, removed, purged, without a terminal."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from collector import __version__
from tests.collecting import CSE, Result, failing_disk
from tests.endpoint.running import Endpoint
from tests.packaging.packaged import OLDER, Packages
from tests.packaging.roots import Root, made
from tests.received import received

pytestmark = pytest.mark.slow
RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
CONFIG, TOKEN = "/etc/vmext/config.toml", "/etc/vmext/token"
ENABLED = "/etc/systemd/system/multi-user.target.wants/vmext.service"
#: What dpkg itself, and the helper for services, keep of a package that is gone.
OF_DPKG = ("var/lib/dpkg/", "var/log/", "var/cache/", "var/lib/systemd/deb-systemd-helper", "etc/systemd/system")


@pytest.fixture(params=["bullseye", "bookworm"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    return made(request.param, tmp_path / "root")


@pytest.fixture()
def bookworm(tmp_path: Path) -> Root:
    return made("bookworm", tmp_path / "root")


def install(root: Root, package: Path) -> None:
    told = root.done("dpkg", "--install", root.bring(package))
    assert "onfiguration file" not in told  # a question
    assert root.done("vmext", "--version") == f"vmext {__version__}\n"


def rights(root: Root, name: str) -> tuple[int, int]:
    told = root.path(name).stat()
    return stat.S_IMODE(told.st_mode), told.st_uid


def collected(root: Root, served: Endpoint) -> Result:
    """The main job by what is configured."""
    failing_disk(root.path("/disk"))
    root.path(TOKEN).write_text(served.token)
    with root.path(CONFIG).open("r+") as file:
        old = file.read()
        file.seek(0)
        file.write(f'upload_url = "{served.url}"\ntoken_file = "{TOKEN}"\n{old}')
    return root.run("vmext", "collect", "--root", "/disk", "--format", "json")


def left(root: Root, before: set[str]) -> set[str]:
    """What is there and was not before, by its uppermost folder."""
    new = {name for name in root.files() - before if not name.startswith((*OF_DPKG, "disk"))}
    return {name for name in new if str(Path(name).parent) not in new}


def test_the_life_of_a_package(root: Root, packages: Packages, served: Endpoint):
    before = root.files()
    install(root, packages.deb(OLDER))
    assert rights(root, CONFIG) == (0o600, 0)
    assert not root.has(ENABLED)  # nothing is configured
    installed = root.files()

    result = collected(root, served)
    assert (result.code, result.err) == (10, "")
    assert (result.json["delivery"]["state"], result.json["findings"][0]["extension"]) == ("delivered", CSE)
    assert [row["verdict"] for row in received(served)] == ["failed"]
    assert left(root, installed) == {"etc/vmext/token", "var/lib/vmext"}  # and no compiled module

    config, state = root.path(CONFIG).read_bytes(), sorted(root.path("/var/lib/vmext").rglob("*"))
    install(root, packages.deb())
    told = root.done("dpkg-query", "--show", "--showformat=${Version} ${Status}", "vmext")
    assert told == f"{__version__}-1 install ok installed"
    assert (root.path(CONFIG).read_bytes(), sorted(root.path("/var/lib/vmext").rglob("*"))) == (config, state)
    assert not root.has(ENABLED)  # whoever did not enable it did not ask for that by an update

    root.done("dpkg", "--remove", "vmext")
    assert left(root, before) == {"etc/vmext", "var/lib/vmext"}
    assert root.path(CONFIG).read_bytes() == config
    root.done("dpkg", "--purge", "vmext")
    assert left(root, before) == set()


def test_bundles_are_encrypted_and_what_is_missing_for_it_is_named(root: Root, packages: Packages):
    install(root, packages.deb())
    failing_disk(root.path("/disk"))
    command = ("vmext", "collect", "--root", "/disk", "--no-upload", "--encrypt-to", RECIPIENT, "--format", "json")
    result = root.run(*command)
    assert result.code == 10, result.err
    assert b"age-encryption.org/v1" in root.path(result.json["bundle"]["path"]).read_bytes()

    for library in [name for name in root.files() if name.endswith("/libgcc_s.so.1")]:
        root.path(library).unlink()
    result = root.run(*command)
    assert (result.code, "libgcc_s.so.1" in result.err, "Traceback" in result.err) == (2, True, False), result.err


def test_a_configuration_that_is_there_before_is_kept_and_enables_the_service(bookworm: Root, packages: Packages):
    text = '# ours\n  upload_url = "https://support.example"\n'
    bookworm.path("/etc/vmext").mkdir()
    bookworm.path(CONFIG).write_text(text)
    install(bookworm, packages.deb(OLDER))
    assert bookworm.path(CONFIG).read_text() == text
    assert bookworm.path(ENABLED).readlink() == Path("/lib/systemd/system/vmext.service")
    install(bookworm, packages.deb())
    assert bookworm.path(CONFIG).read_text() == text
    assert bookworm.has(ENABLED)
    bookworm.done("dpkg", "--purge", "vmext")
    assert not bookworm.has(ENABLED)


def test_a_service_that_was_disabled_stays_so_when_it_is_updated(bookworm: Root, packages: Packages):
    bookworm.path("/etc/vmext").mkdir()
    bookworm.path(CONFIG).write_text('upload_url = "https://support.example"\n')
    install(bookworm, packages.deb(OLDER))
    bookworm.path(ENABLED).unlink()
    install(bookworm, packages.deb())
    assert not bookworm.has(ENABLED)


def test_a_configuration_that_was_deleted_stays_so(bookworm: Root, packages: Packages):
    install(bookworm, packages.deb(OLDER))
    bookworm.path(CONFIG).unlink()
    install(bookworm, packages.deb())
    assert not bookworm.has(CONFIG)


def test_a_package_that_is_installed_again_after_removal(bookworm: Root, packages: Packages, served: Endpoint):
    install(bookworm, packages.deb())
    assert collected(bookworm, served).code == 10
    bookworm.done("dpkg", "--remove", "vmext")
    install(bookworm, packages.deb())
    again = bookworm.run("vmext", "collect", "--root", "/disk", "--format", "json")
    assert json.loads(again.out)["delivery"]["state"] == "delivered"


def test_a_purge_without_systemd_ends_what_runs_and_takes_a_linked_state_away(tmp_path: Path, packages: Packages):
    """In one run, for what a run has started ends with it. An agent of the system around this one stays: from inside,
    its program has the same path."""
    root = made("bookworm", tmp_path / "root", ("systemd", "dbus"))  # which is not started; for mount
    install(root, packages.deb())
    linked = root.path("/inside/mnt/vmext")
    linked.mkdir(parents=True)
    (linked / "theirs").write_text("x")
    script = """
        set -e
        cp -a /usr /bin /sbin /lib* /etc /var /inside
        mkdir -p /inside/dev /inside/proc /inside/tmp /inside/run
        mount -t proc proc /inside/proc
        mount --rbind /dev /inside/dev
        ln -s /mnt/vmext /inside/var/lib/vmext
        vmext watch --quiet --root /var/log >/dev/null & outer=$!
        chroot /inside vmext watch --quiet --root /var/log >/dev/null & inner=$!
        for _ in $(seq 600); do
            if [ -e /var/lib/vmext/watch/status.json ] && [ -e /inside/mnt/vmext/watch/status.json ]; then break; fi
            sleep 0.1
        done
        [ -e /inside/mnt/vmext/redaction.key ]
        chroot /inside dpkg --purge vmext >&2
        kill -0 $outer
        if wait $inner; then echo "ended with $?"; fi
    """
    assert root.done("sh", "-c", script) == "ended with 0\n"
    assert [file.name for file in linked.iterdir()] == ["theirs"]
    assert not root.has("/inside/var/lib/vmext")
    assert root.has("/var/lib/vmext/redaction.key")


def test_a_linked_state_folder_of_vmext_alone_goes_as_a_whole(bookworm: Root, packages: Packages, served: Endpoint):
    install(bookworm, packages.deb())
    bookworm.path("/mnt/vmext").mkdir()
    bookworm.path("/var/lib/vmext").symlink_to("/mnt/vmext")
    assert collected(bookworm, served).code == 10
    assert bookworm.has("/mnt/vmext/redaction.key")
    bookworm.done("dpkg", "--purge", "vmext")
    assert not bookworm.has("/mnt/vmext") and not bookworm.has("/var/lib/vmext")


def test_an_old_unit_of_the_archive_is_told(bookworm: Root, packages: Packages):
    unit = bookworm.path("/etc/systemd/system/vmext.service")
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("[Service]\nExecStart=/opt/vmext/bin/vmext watch --quiet\n")
    told = bookworm.run("dpkg", "--install", bookworm.bring(packages.deb()))
    assert (told.code, "rm /etc/systemd/system/vmext.service" in told.err) == (0, True), told
    unit.unlink()
    told = bookworm.run("dpkg", "--install", bookworm.bring(packages.deb()))
    assert (told.code, "/etc/systemd/system" in told.err) == (0, False), told
