"""``vmext fleet pull`` against a stand-in az that gives back what the real ``vmext collect --part`` prints."""

from __future__ import annotations

import hashlib
import io
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.bundle.core import core_bundle
from collector.bundle.parts import count, part_text
from collector.bundle.reader import open_bundle
from collector.bundle.writer import write
from collector.model import Excerpt, Line, RedactedText
from tests.bundle.samples import Sealer, report, seal
from tests.collecting import collect, failing_disk, vmext
from tests.fleet.stand_in import Azure, instance
from tests.fleet.test_collect_execute import CONFLICT, wait_for

TROUBLED = "E: Unable to locate package number"


@dataclass(frozen=True)
class Stored:
    """A bundle on an instance, and what each part of its core looks like."""

    id: str
    core: bytes
    texts: tuple[str, ...]

    @property
    def steps(self) -> list[dict[str, str]]:
        return [{"verdict": text} for text in self.texts]


def stored(folder: Path, seed: str, kilobytes: int = 12) -> Stored:
    """Lines that do not pack: some kilobytes of them are some parts."""
    lines = [hashlib.sha256(f"{seed}{number}".encode()).hexdigest() for number in range(kilobytes * 1_000 // 32)]
    log = Excerpt("var/log/waagent.log", tuple(Line(n, text) for n, text in enumerate(lines, 1)),
                  frozenset(range(1, len(lines))))  # fmt: skip
    info = write(report(excerpts=(log,)), seal=seal, audit=dict, folder=folder)
    core = core_bundle(open_bundle(info.path), info, Sealer(RedactedText))
    texts = tuple(part_text(core, info.id, number) for number in range(1, count(len(core)) + 1))
    assert len(texts) > 3
    return Stored(info.id, core, texts)


@pytest.fixture
def azure(tmp_path):
    found = Azure(tmp_path, instances=[instance(3, "Failed")])
    yield found
    found.end()


@pytest.fixture
def there(tmp_path):
    return stored(tmp_path, "there")


def pulled(out: Path) -> list[bytes]:
    """The bundles in the folder; nothing else may be left in it."""
    files = sorted(out.iterdir())
    assert all(file.suffix == ".zip" for file in files), files
    return [file.read_bytes() for file in files]


@pytest.mark.parametrize("method", ["managed", "invoke"])
def test_part_by_part_to_a_bundle(azure, there, tmp_path, method):
    azure.asked["3"] = there.steps
    result = azure.pull("--instance", "3", "--output", tmp_path / "out", "--method", method)
    assert result.code == 0, result.err
    assert pulled(tmp_path / "out") == [there.core]
    assert f"of bundle {there.id} of instance 3" in result.out and "every hash holds" in result.out
    assert f"part 1 of {len(there.texts)}" in result.err
    shown = vmext("show", next((tmp_path / "out").iterdir()))
    assert shown.code == 0 and "its core of at most 24 KB" in shown.out
    created = azure.calls("run-command", "create")
    assert len(azure.calls("run-command", "delete")) == len(created) == (len(there.texts) if method == "managed" else 0)


def test_the_real_script_on_a_real_state_folder(azure, tmp_path):
    """From a disk to the pulled bundle, with nothing stood in for but az; the planted secret stays behind."""
    disk = failing_disk(tmp_path / "disk")
    secret = "Jx7Qp2Lk9Zt4Vb8Nm1Rw6Ys3Hd5Gf0CaJx7Qp2Lk9Zt4"
    log = disk / "var/lib/waagent/custom-script/download/3/stderr"
    noise = "".join(f"E: {hashlib.sha256(str(n).encode()).hexdigest()}\n" for n in range(300))
    log.write_text(
        f"{noise}curl https://x.blob.core.windows.net/a?sv=2020-08-04&sig={secret}%3D failed\n{TROUBLED} 1\n"
    )
    state = tmp_path / "state"
    before = collect(disk, state)
    azure.asked["3"] = [{"run": True}]
    environ = azure.environ()
    program = tmp_path / "bin" / "vmext"
    command = shlex.join([sys.executable, "-m", "collector"])
    program.write_text(f'#!/bin/sh\ncd {shlex.quote(str(Path.cwd()))}\nexec {command} "$@" --state-dir {state}\n')
    program.chmod(0o755)
    result = vmext("fleet", "pull", azure.file(), "-g", "rg-web", "-n", "web", "--instance", "3", "--method", "invoke",
                   "--output", tmp_path / "out", "--pace", "0.01", environ=environ)  # fmt: skip
    assert result.code == 0, result.err
    (core,) = pulled(tmp_path / "out")
    bundle = open_bundle(io.BytesIO(core))
    assert bundle.manifest["core_of"]["id"] == before.json["bundle"]["id"]
    assert bundle.manifest["core_of"]["sha256"] == before.json["bundle"]["sha256"]
    assert len(azure.calls("invoke")) == count(len(core)) > 1
    texts = "".join(bundle.text(name) for name in bundle.names)
    assert TROUBLED in texts and "sig=[sas:" in texts and secret not in texts
    assert [file.name for file in (state / "spool").glob("*.zip")] == [f"{before.json['bundle']['id']}.zip"]


def test_lost_damaged_and_wrong_parts_are_asked_for_again(azure, there, tmp_path):
    first, second, third, *rest = there.steps
    damaged = {"verdict": there.texts[1].replace("A", "B", 3)}
    cut = {"verdict": there.texts[1][:1500]}
    azure.asked["3"] = [CONFLICT, first, damaged, cut, second, {"verdict": ""}, first, third, *rest]
    result = azure.pull("--instance", "3", "--output", tmp_path / "out")
    assert result.code == 0, result.err
    assert pulled(tmp_path / "out") == [there.core]
    assert "part 2: a part can't be read: some of its characters were changed" in result.err
    assert "part 2: a part can't be read: its end is cut off" in result.err
    assert "part 3 was asked for, part 1 came" in result.err


def test_parts_out_of_order_are_kept_and_not_asked_for_again(azure, there, tmp_path):
    first, second, third, *rest = there.steps
    azure.asked["3"] = [first, third, second, *rest]
    result = azure.pull("--instance", "3", "--output", tmp_path / "out")
    assert result.code == 0 and pulled(tmp_path / "out") == [there.core]
    assert len(azure.calls("create")) == len(there.texts)


def test_a_part_that_never_comes_ends_it_and_the_same_command_goes_on(azure, there, tmp_path):
    first, second, *rest = there.steps
    azure.asked["3"] = [first, {"verdict": "hello\n"}]
    out = tmp_path / "out"
    result = azure.pull("--instance", "3", "--output", out)
    assert result.code == 21 and "the same command goes on" in result.err and result.out == ""
    assert len(azure.calls("create")) == 4
    assert [file.suffix for file in out.iterdir()] == [".txt"]
    (tmp_path / "calls").unlink()
    azure.asked["3"] = [second, *rest]
    result = azure.pull("--instance", "3", "--output", out)
    assert result.code == 0 and f"1 of {len(there.texts)} parts of the core" in result.err
    assert pulled(out) == [there.core] and len(azure.calls("create")) == len(there.texts) - 1


def test_a_saved_part_that_the_disk_damaged_is_asked_for_again(azure, there, tmp_path):
    out = tmp_path / "out"
    azure.asked["3"] = [*there.steps[:2], {"verdict": ""}]
    assert azure.pull("--instance", "3", "--output", out).code == 21
    saved = next(out.glob(".pull-*2of*"))
    saved.write_bytes(saved.read_bytes().replace(b"A", b"B"))
    (tmp_path / "calls").unlink()
    azure.asked["3"] = there.steps[1:]
    assert azure.pull("--instance", "3", "--output", out).code == 0
    assert pulled(out) == [there.core]


def test_a_new_bundle_in_between_starts_it_again_once(azure, there, tmp_path):
    other = stored(tmp_path, "other")
    azure.asked["3"] = [*there.steps[:2], other.steps[0], *other.steps[1:]]
    out = tmp_path / "out"
    result = azure.pull("--instance", "3", "--output", out)
    assert result.code == 0, result.err
    assert f"bundle {other.id} instead of bundle {there.id}: it is pulled from the beginning" in result.err
    assert pulled(out) == [other.core]
    again = stored(tmp_path, "again")
    (tmp_path / "calls").unlink()
    azure.asked["3"] = [there.steps[0], other.steps[0], again.steps[1]]
    result = azure.pull("--instance", "3", "--output", tmp_path / "second")
    assert result.code == 21 and "and the pull ends here" in result.err
    assert len(azure.calls("create")) == 3


def test_a_bundle_that_is_gone_starts_it_again_with_the_newest(azure, there, tmp_path):
    other = stored(tmp_path, "other")
    gone = {"verdict": "", "exit": 2, "script_err": f"vmext: bundle {there.id} does not wait in /x any more\n"}
    azure.asked["3"] = [*there.steps[:2], gone, *other.steps]
    result = azure.pull("--instance", "3", "--output", tmp_path / "out")
    assert result.code == 0 and "its newest bundle is pulled from the beginning" in result.err
    assert pulled(tmp_path / "out") == [other.core]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"verdict": "", "script_err": "vmext: no bundle waits in /var/lib/vmext\n", "exit": 2}, "no bundle waits in"),
        ({"verdict": "", "script_err": "vmext is not installed on this instance", "exit": 127}, "is not installed"),
        ({"verdict": "", "script_err": "Error: No such option: --part\n", "exit": 2}, "No such option"),
        ({"err": "ERROR: (ResourceNotFound) The Resource was not found.\n", "code": 3}, "not there (any more)"),
    ],
)
def test_what_asking_again_would_not_change_ends_it_at_once(azure, tmp_path, step, told):
    azure.asked["3"] = [step]
    result = azure.pull("--instance", "3", "--output", tmp_path / "out")
    assert result.code == 21 and told in result.err and result.out == ""
    assert len(azure.calls("create")) == 1


def test_a_core_that_is_no_bundle_is_not_kept(azure, tmp_path):
    data = os.urandom(4_000)
    azure.asked["3"] = [{"verdict": part_text(data, "ab" * 8, number)} for number in (1, 2)]
    out = tmp_path / "out"
    result = azure.pull("--instance", "3", "--output", out)
    assert result.code == 2 and "no zip file" in result.err
    assert pulled(out) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--instance", "3;rm"], "--instance: '3;rm' is no name"),
        (["--instance", "3", "--bundle", "x"], "--bundle: 'x' is no bundle's id"),
        (["--instance", "3", "--timeout", "5h"], "--timeout: 5h"),
        ([], "Missing option '--instance'"),
    ],
)
def test_slips_are_told_before_anything_is_asked(azure, arguments, told):
    result = azure.pull(*arguments)
    assert result.code == 2 and told in result.err and not azure.calls()


def test_nodes_of_aks_get_nothing_created(azure, there, tmp_path):
    azure.show["tags"] = {"aks-managed-poolName": "np1"}
    azure.asked["3"] = there.steps
    result = azure.pull("--instance", "3", "--output", tmp_path / "out")
    assert result.code == 0 and "--method invoke is used" in result.err and not azure.calls("create")


def test_ctrl_c_deletes_what_was_created_and_keeps_the_parts(azure, there, tmp_path):
    azure.asked["3"] = [there.steps[0], {"state": "Running"}]
    out = tmp_path / "out"
    environ = os.environ | azure.environ()
    command = [sys.executable, "-m", "collector", "fleet", "pull", "-g", "rg-web", "-n", "web", "--instance", "3",
               "--output", str(out), "--pace", "0.05"]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    azure.children.append(child)
    wait_for(lambda: len(azure.calls("create")) == 2 and len(azure.calls("show", "--instance-view")) >= 2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130 and "stopping, and deleting" in err
    assert len(azure.calls("delete")) == 2
    assert [file.name.rsplit("-", 1)[1] for file in out.iterdir()] == [f"1of{len(there.texts)}.txt"]
