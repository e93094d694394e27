"""The Windows package as it is installed: unpacked, installed, run as a service, against the real endpoint.

`scripts/test-windows` builds it and makes a Windows for it; without that there is nothing to test.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.endpoint.running import Endpoint
from tests.packaging import bills
from tests.packaging.wine import Done, Windows
from tests.received import received
from tests.waiting import until
from tests.windows.test_collect_live import AGENT_LOG, HANDLER_LOG, STATUS, fail

BUILT = os.environ.get("VMEXT_BUILT_WINDOWS")
pytestmark = pytest.mark.skipif(not BUILT, reason="the built Windows package is tested by scripts/test-windows --built")
#: Variables by which a Python of the machine would be led astray.
HOSTILE = {"PYTHONPATH": "C:\\nowhere", "PYTHONHOME": "C:\\nowhere", "PYTHONSTARTUP": "C:\\x.py", "PYTHONUTF8": "0"}
MOST = 25_000_000  # bytes
ROOT = Path(__file__).parents[2]
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
SERVICE_KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmext"


def package(end: str) -> Path:
    assert BUILT
    (found,) = Path(BUILT).glob(f"vmext-*{end}")
    return found


@pytest.fixture(scope="module")
def windows() -> Iterator[Windows]:
    """Switched on."""
    here = Windows(
        Path(os.environ["VMEXT_BUILT_PREFIX"]), os.environ["VMEXT_BUILT_WINE"], os.environ["VMEXT_BUILT_WINESERVER"]
    )
    # a machine that does much else starts Python slowly; Wine gives a service ten seconds
    control = "HKLM\\SYSTEM\\CurrentControlSet\\Control"
    here.run("reg", "add", control, "/v", "ServicesPipeTimeout", "/t", "REG_DWORD", "/d", "240000", "/f")
    here.off()
    with here.on():
        yield here


@pytest.fixture(scope="module")
def folder(windows: Windows) -> Path:
    """The archive, unpacked below a path with spaces and other letters."""
    place = windows.drive / "Eigene Programme ü"
    with zipfile.ZipFile(package(".zip")) as archive:
        archive.extractall(place)
    (unpacked,) = place.iterdir()
    return unpacked


@pytest.fixture
def instance(windows: Windows) -> Iterator[Path]:
    """Drive C with nothing of the guest agent on it before and after."""
    yield windows.drive
    for name in ("WindowsAzure", "Packages"):
        if (windows.drive / name).exists():
            windows.run("cmd", "/c", "rd", "/s", "/q", f"C:\\{name}")


def token_file(windows: Windows, served: Endpoint) -> str:
    file = windows.drive / "token.txt"
    file.write_text(served.token)
    return windows.path(file)


def test_the_packages_are_small():
    assert [end for end in (".zip", ".msi") if package(end).stat().st_size > MOST] == []


def test_the_bill_of_materials_names_each_part():
    for bill, about in ("64.cdx.json", ".zip"), (".msi.cdx.json", ".msi"):
        document = bills.read(package(bill))
        told = hashlib.sha256(package(about).read_bytes()).hexdigest()
        assert document["metadata"]["component"]["hashes"][0]["content"] == told
        assert {part["name"] for part in document["components"]} >= {"python", "distlib", "pyrage", "regipy", "tzdata"}
    assert all(part["version"] and part["hashes"] and part["licenses"] for part in document["components"])


def test_it_runs_from_anywhere_and_is_led_astray_by_nothing(windows: Windows, folder: Path):
    (windows.drive / "json.py").write_text("raise SystemExit('the wrong json')")
    done = windows.run(str(folder / "vmext.exe"), "--version", environ=HOSTILE)
    assert done == Done(0, f"vmext {(folder / 'VERSION').read_text()}")
    done = windows.run(str(folder / "python" / "python.exe"), "-m", "collector", "--version", environ=HOSTILE)
    assert done.code == 0


def test_a_failure_is_collected_and_delivered(windows: Windows, folder: Path, instance: Path, served: Endpoint):
    fail(instance, datetime.now(timezone.utc) - timedelta(minutes=5))
    to = ("--upload", served.url, "--token-file", token_file(windows, served))
    done = windows.run(str(folder / "vmext.exe"), "collect", *to, "--state-dir", "C:\\state of it", environ=HOSTILE)
    assert done.code == 10, done.out
    assert done.out.startswith("VMEXT FAILED CustomScriptExtension exit 1")
    (row,) = received(served)
    assert row["verdict"] == "failed"


def test_nothing_is_written_beside_the_program(folder: Path):
    """Windows protects the place where programs are installed, and the removal must find all."""
    with zipfile.ZipFile(package(".zip")) as archive:
        packed = {name.partition("/")[2] for name in archive.namelist()}
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert found == packed
    assert not [name for name in packed if name.endswith(".py")]


def write_settings(windows: Windows, served: Endpoint) -> str:
    """Looks at files again and again: with what Wine tells of changes, a stop was seen that never came to its end."""
    file = windows.drive / "settings.toml"
    lines = [f'upload_url = "{served.url}"', f"token_file = '{token_file(windows, served)}'", "[watch]", "poll = true"]
    file.write_text("\n".join(lines) + "\n")
    return windows.path(file)


def told(windows: Windows, program: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(windows.run(program, "status", "--json").out)
    return document


def noticed_and_delivered(windows: Windows, instance: Path, served: Endpoint) -> None:
    """A handler fails while the service runs: nobody asks, and the endpoint has it."""
    fail(instance, datetime.now(timezone.utc))
    (row,) = until(lambda: received(served), "the bundle", 240)
    assert row["verdict"] == "failed"


def quiet(instance: Path) -> None:
    """A guest agent that has only started."""
    fail(instance, datetime.now(timezone.utc))
    for name in (STATUS, HANDLER_LOG):
        (instance / name).unlink()
    (instance / AGENT_LOG).write_text("")


def test_the_service_starts_notices_delivers_and_stops(
    windows: Windows, folder: Path, instance: Path, served: Endpoint
):
    program = str(folder / "vmext.exe")
    quiet(instance)
    done = windows.run(program, "service", "install", "--config", write_settings(windows, served))
    assert done.code == 0, done.out
    config = windows.drive / "ProgramData" / "vmext" / "config.toml"
    assert served.url in config.read_text()
    try:
        assert windows.run(program, "service", "start") == Done(0, "")
        assert windows.run(program, "service", "status").out == "vmext: running, start automatic\n"
        before = told(windows, program)
        assert (before["state"], before["service"]) == ("running", {"state": "running", "start": "automatic"})
        noticed_and_delivered(windows, instance, served)
        assert windows.run(program, "service", "stop") == Done(0, "")
        assert windows.run(program, "service", "status").code == 14
        assert told(windows, program)["state"] == "not running"
    finally:
        removed = windows.run(program, "service", "remove")
    assert removed == Done(0, "")
    assert "is no service here" in windows.run(program, "service", "status").out
    assert (config.parent / "redaction.key").is_file()


def test_a_wrong_configuration_is_told_and_not_taken(windows: Windows, folder: Path):
    (windows.drive / "wrong.toml").write_text('upload = "x"\n')
    done = windows.run(str(folder / "vmext.exe"), "service", "install", "--config", "C:\\wrong.toml")
    assert done.code == 2
    assert "there is no setting 'upload'" in done.out
    assert "is no service here" in windows.run(str(folder / "vmext.exe"), "service", "status").out


def test_a_folder_that_a_plain_user_made_first_is_put_aside(windows: Windows, folder: Path):
    """Wine takes every other user of this machine for a stranger."""
    state = windows.drive / "ProgramData" / "vmext"
    program = str(folder / "vmext.exe")
    state.mkdir(parents=True, exist_ok=True)
    (state / "config.toml").write_text('upload_url = "https://evil.example"\n')
    for place in (state, state / "config.toml"):
        os.chown(place, 12345, 12345)
    assert "evil.example" not in windows.run(program, "config", "show").out
    done = windows.run(program, "collect", "--no-upload")
    assert "belongs to a user who is no administrator" in done.out, done.out
    done = windows.run(program, "service", "install")
    assert done.code == 0, done.out
    windows.run(program, "service", "remove")
    (aside,) = state.parent.glob("vmext.*.not-ours")
    assert (aside / "config.toml").is_file()
    assert list(state.iterdir()) == []


def test_a_service_that_can_not_start_says_why(windows: Windows, folder: Path):
    program = str(folder / "vmext.exe")
    config = windows.drive / "ProgramData" / "vmext" / "config.toml"
    assert windows.run(program, "service", "install").code == 0
    config.write_text("upload_url = 3\n")
    try:
        done = windows.run(program, "service", "start")
        assert done.code == 3
        assert windows.run(program, "service", "status").out.startswith("vmext: stopped")
    finally:
        config.unlink()
        windows.run(program, "service", "remove")


def test_the_installer_installs_starts_repairs_and_removes(windows: Windows, instance: Path, served: Endpoint):
    installer = windows.drive / "vmext setup.msi"
    installer.write_bytes(package(".msi").read_bytes())
    quiet(instance)
    command = ("msiexec", "/i", windows.path(installer), "/qn", f"VMEXTCONFIG={write_settings(windows, served)}")
    done = windows.run(*command)
    assert done.code == 0, done.out
    installed = windows.drive / "Program Files" / "vmext"
    program = str(installed / "vmext.exe")
    assert windows.run(program, "service", "status").out == "vmext: running, start automatic\n"
    image = windows.run("reg", "query", SERVICE_KEY, "/v", "ImagePath").out
    assert '"C:\\Program Files\\vmext\\python\\python.exe" -m collector service run' in image
    noticed_and_delivered(windows, instance, served)
    path = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
    assert "Program Files\\vmext" in windows.run("reg", "query", path, "/v", "PATH").out

    again = windows.run("msiexec", "/i", windows.path(installer), "/qn", "REINSTALL=ALL", "REINSTALLMODE=vamus")
    assert again.code == 0, again.out
    assert windows.run(program, "service", "status").out == "vmext: running, start automatic\n"

    assert windows.run("msiexec", "/x", windows.path(installer), "/qn").code == 0
    assert "vmext" not in windows.run("reg", "query", SERVICE_KEY, "/v", "ImagePath").out
    assert not installed.exists()
    assert "Program Files\\vmext" not in windows.run("reg", "query", path, "/v", "PATH").out
    assert (windows.drive / "ProgramData" / "vmext" / "config.toml").is_file()


def test_a_newer_installer_takes_the_place_of_an_older_one(
    windows: Windows, served: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same contents as a later version, with one file more and one less."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging/windows"))
    older, newer = windows.drive / "older.msi", windows.drive / "newer.msi"
    older.write_bytes(package(".msi").read_bytes())
    with zipfile.ZipFile(package(".zip")) as archive:
        archive.extractall(tmp_path / "newer")
    (tree,) = (tmp_path / "newer").iterdir()
    (tree / "VERSION").write_text("0.1.1\n")
    (tree / "lib" / "added.txt").write_text("new\n")
    (tree / "LICENSES" / "idna.txt").unlink()
    importlib.import_module("windows_installer").build_installer(tree, newer, "0.1.1", 1_800_000_000)

    installed = windows.drive / "Program Files" / "vmext"
    settings = f"VMEXTCONFIG={write_settings(windows, served)}"
    assert windows.run("msiexec", "/i", windows.path(older), "/qn", settings).code == 0
    assert (installed / "LICENSES" / "idna.txt").is_file()
    kept = windows.drive / "ProgramData" / "vmext" / "config.toml"
    kept.write_text(kept.read_text() + "# of this machine\n")
    done = windows.run("msiexec", "/i", windows.path(newer), "/qn")
    assert done.code == 0, done.out
    try:
        program = str(installed / "vmext.exe")
        assert windows.run(program, "service", "status").out == "vmext: running, start automatic\n"
        assert (installed / "VERSION").read_text() == "0.1.1\n"
        assert (installed / "lib" / "added.txt").is_file()
        assert not (installed / "LICENSES" / "idna.txt").exists()
        assert kept.read_text().endswith("# of this machine\n")
        entries = windows.run("reg", "query", UNINSTALL, "/s").out
        names = [line for line in entries.splitlines() if "DisplayName " in line and "vmext" in line]
        assert len(names) == 1, entries
        refused = windows.run("msiexec", "/i", windows.path(older), "/qn")
        assert refused.code != 0, "an older one takes no newer one's place"
        assert (installed / "VERSION").read_text() == "0.1.1\n"
    finally:
        windows.run("msiexec", "/x", windows.path(newer), "/qn")
    assert not installed.exists()
