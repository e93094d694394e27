"""The unpacked archive does the main job on a system without Python, wherever it lies and whatever the environment says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector import __version__
from tests.collecting import CSE, Result, failing_disk
from tests.endpoint.running import Endpoint
from tests.packaging import sysroot
from tests.packaging.building import Built, run
from tests.received import received
from tests.waiting import until
from tests.watch.agent import Machine

pytestmark = pytest.mark.slow
VERSION = f"vmext {__version__}\n"
SITE = "python/lib/python3.13/site-packages"


def vmext(linux: Built, *arguments: object, **options: Any) -> Result:
    return run([linux.tree / "bin" / "vmext", *arguments], **options)


@pytest.mark.skipif(not os.environ.get("CI") and os.geteuid() != 0, reason="chroot is for root")
def test_the_main_job_on_a_system_without_python(linux: Built, served: Endpoint, tmp_path: Path):
    system = sysroot.make(tmp_path / "system")
    shutil.copytree(linux.tree, system / "opt" / "vm ext")
    (system / "usr" / "bin" / "vmext").symlink_to("../../opt/vm ext/bin/vmext")
    failing_disk(system / "disk")
    (system / "token").write_text(served.token)
    upload = ["--upload", served.url, "--token-file", "/token", "--state-dir", "/state", "--format", "json"]
    result = run(["/usr/sbin/chroot", system, "/usr/bin/vmext", "collect", "--root", "/disk", *upload])
    assert (result.code, result.err) == (10, "")
    assert result.json["delivery"]["state"] == "delivered"
    (finding,) = result.json["findings"]
    assert (finding["extension"], finding["exit_code"]) == (CSE, 100)
    assert [row["verdict"] for row in received(served)] == ["failed"]


def test_it_starts_through_links_and_from_any_folder(linux: Built, tmp_path: Path):
    tree = tmp_path / "a folder with spaces"
    shutil.copytree(linux.tree, tree)
    (tmp_path / "one").symlink_to("a folder with spaces/bin/vmext")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "two").symlink_to("../one")
    (tmp_path / "folder").symlink_to(tree)
    assert run([tmp_path / "links" / "two", "--version"]).out == VERSION
    assert run(["./links/two", "--version"], cwd=tmp_path).out == VERSION
    assert run(["./vmext", "--version"], cwd=tree / "bin").out == VERSION
    assert run([tmp_path / "folder" / "bin" / "vmext", "--version"]).out == VERSION
    for folder, name in ((tmp_path / "links", "two"), (tree / "bin", "vmext")):
        found = {"PATH": str(folder), "CDPATH": "/"}
        assert run(["/bin/sh", "-c", f"{name} --version"], found).out == VERSION
    assert run(["/bin/sh", "vmext", "--version"], cwd=tree / "bin").out == VERSION


def test_nothing_of_the_environment_or_the_folder_changes_what_runs(linux: Built, tmp_path: Path):
    for name in ("click", "collector", "sitecustomize", "usercustomize", "json", "psutil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    hostile = {
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "json.py"),
        "PYTHONINSPECT": "1",
        "PYTHONUSERBASE": str(tmp_path),
        "PYTHONWARNINGS": "error",
        "LC_ALL": "xx_XX.nothing",
        "HOME": str(tmp_path),
    }
    result = vmext(linux, "--version", environ=hostile, cwd=tmp_path)
    assert (result.code, result.out, result.err) == (0, VERSION, "")


def test_a_folder_that_cannot_be_written_is_enough(linux: Built, tmp_path: Path):
    """Nothing is unpacked or kept beside the program: the tree is the same after a run as before."""
    tree = tmp_path / "tree"
    shutil.copytree(linux.tree, tree)
    for path in [tree, *tree.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    before = {path: path.lstat().st_mtime_ns for path in tree.rglob("*")}
    command = [tree / "bin" / "vmext", "collect", "--root", failing_disk(tmp_path / "disk"), "--no-upload"]
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    (tmp_path / "state").mkdir()
    result = run([*plain, *command, "--state-dir", tmp_path / "state"], {"PATH": "/usr/bin:/bin"})
    assert result.code == 10, result.err
    assert {path: path.lstat().st_mtime_ns for path in tree.rglob("*")} == before


def test_the_resident_agent_and_its_children_run_out_of_it(linux: Built, served: Endpoint, tmp_path: Path):
    machine = Machine(tmp_path / "disk")
    machine.boot()
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "collector.py").write_text("raise SystemExit('not ours')\n")
    command: list[str | Path] = [
        linux.tree / "bin" / "vmext",
        "watch",
        "--root",
        machine.root,
        "--state-dir",
        tmp_path / "state",
    ]
    command += ["--upload", served.url, "--token-file", served.data / "admin.token"]
    output = tmp_path / "watch.out"
    with output.open("w") as stream:
        environ = {"PATH": "/nowhere", "PYTHONPATH": str(trap)}
        agent = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environ, cwd=trap)
        try:
            until(lambda: " follows " in output.read_text() or agent.poll() is not None, "the first look")
            machine.fail(sequence=1)
            until(lambda: received(served) or agent.poll() is not None, "the bundle")
        finally:
            agent.terminate()
            agent.wait(60)
            machine.end()
    assert [row["verdict"] for row in received(served)] == ["failed"], output.read_text()
    assert agent.returncode == 0


def test_certificates_are_there_and_can_be_replaced(linux: Built, tmp_path: Path):
    """Without the system's own, which lie elsewhere on each distribution; what the environment names goes first."""
    code = (
        "import requests, sys; s = requests.Session(); "
        "sys.stdout.write(str(s.merge_environment_settings('https://example.com', {}, None, True, None)['verify'])); "
        "import ssl; c = ssl.create_default_context(cafile=requests.certs.where()); assert len(c.get_ca_certs()) > 50"
    )
    python = linux.tree / "python" / "bin" / "python3"
    assert run([python, "-I", "-c", code]).out == "True"
    assert run([python, "-I", "-c", code], {"REQUESTS_CA_BUNDLE": "/etc/own.pem"}).out == "/etc/own.pem"
    where = run([python, "-I", "-c", "import requests.certs; print(requests.certs.where())"]).out.strip()
    assert where == str(linux.tree / SITE / "certifi" / "cacert.pem")


def test_every_module_of_ours_can_be_loaded(linux: Built):
    """Save those of the endpoint, which is installed from the source: nothing was left out that one needs."""
    code = (
        "import collector, importlib, pkgutil, sys\n"
        "wrong = []\n"
        "for module in pkgutil.walk_packages(collector.__path__, 'collector.', onerror=lambda name: None):\n"
        "    if not module.name.startswith(('collector.endpoint', 'collector.__main__')) and 'windows' not in module.name:\n"
        "        try: importlib.import_module(module.name)\n"
        "        except ImportError as error: wrong.append((module.name, str(error)))\n"
        "sys.stdout.write(repr(wrong))"
    )
    result = run([linux.tree / "python" / "bin" / "python3", "-I", "-c", code])
    assert result.out == "[]", result.err


def test_bundles_can_be_encrypted_out_of_it(linux: Built, tmp_path: Path):
    key = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    disk = failing_disk(tmp_path / "disk")
    result = vmext(linux, *("collect", "--root", disk, "--state-dir", tmp_path / "state", "--no-upload"),
                   *("--encrypt-to", key, "--format", "json"))  # fmt: skip
    assert result.code == 10, result.err
    assert b"age-encryption.org/v1" in Path(result.json["bundle"]["path"]).read_bytes()


def test_it_runs_where_only_sha_2_may_be_used(linux: Built, served: Endpoint, tmp_path: Path):
    """As on a system in FIPS mode: what asks for MD5 or SHA-1 for a purpose of security is refused."""
    code = (
        "import hashlib, sys\n"
        "def refusing(real):\n"
        "    def made(*a, usedforsecurity=True, **k):\n"
        "        if usedforsecurity: raise ValueError('refused: disabled for FIPS')\n"
        "        return real(*a, usedforsecurity=False, **k)\n"
        "    return made\n"
        "hashlib.md5, hashlib.sha1 = refusing(hashlib.md5), refusing(hashlib.sha1)\n"
        "real = hashlib.new\n"
        "hashlib.new = lambda name, *a, **k: "
        "{'md5': hashlib.md5, 'sha1': hashlib.sha1}.get(name.lower(), lambda *a, **k: real(name, *a, **k))(*a, **k)\n"
        "try: hashlib.md5(b'')\n"
        "except ValueError: pass\n"
        "else: raise SystemExit('MD5 is not refused')\n"
        "from collector.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    disk = failing_disk(tmp_path / "disk")
    upload = ["--upload", served.url, "--token-file", served.data / "admin.token"]
    python = [linux.tree / "python" / "bin" / "python3", "-I", "-c", code]
    command = [*python, "collect", "--root", disk, "--state-dir", tmp_path / "state", "--output", tmp_path / "copy"]
    result = run([*command, *upload, "--format", "json"])
    assert result.code == 10, result.err
    assert result.json["delivery"]["state"] == "delivered"
    assert run([*python, "verify", *(tmp_path / "copy").glob("*.zip")]).code == 0


def test_aarch64_does_the_main_job(aarch64: Built, served: Endpoint, tmp_path: Path):
    """Under qemu, which runs no program that it starts: so without the shell script in front."""
    emulator = shutil.which("qemu-aarch64-static")
    library = Path("/usr/aarch64-linux-gnu")
    assert emulator and library.is_dir(), "apt-get install qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross"
    start = [emulator, "-L", library, aarch64.tree / "python" / "bin" / "python3", "-I"]
    vmext = [*start, aarch64.tree / SITE / "collector" / "__main__.pyc"]
    assert run([*vmext, "--version"]).out == VERSION
    disk = failing_disk(tmp_path / "disk")
    upload = ["--upload", served.url, "--token-file", served.data / "admin.token", "--format", "json"]
    result = run([*vmext, "collect", "--root", disk, "--state-dir", tmp_path / "state", *upload])
    assert result.code == 10, result.err
    assert result.json["delivery"]["state"] == "delivered"
    code = "import psutil, pyrage, ssl, ctypes, lzma, bz2, zlib, platform; print(psutil.boot_time() > 0, platform.machine())"
    assert run([*start, "-c", code]).out == "True aarch64\n"
    assert [row["verdict"] for row in received(served)] == ["failed"]
