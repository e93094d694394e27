"""One line to the serial console, on real terminals: one that is read, one that nobody reads, none at all."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.redact.redactor import Redactor
from collector.watch.console import Console, find_device

redacted = Redactor(b"0" * 32).text
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")


@pytest.fixture
def terminal() -> Iterator[tuple[int, Path]]:
    """The end of a real terminal that is read from, and the device."""
    import pty
    import tty

    reading, device = pty.openpty()
    tty.setraw(device)
    try:
        yield reading, Path(os.ttyname(device))
    finally:
        os.close(reading)
        os.close(device)


def read(descriptor: int, end: bytes) -> bytes:
    told = b""
    while not told.endswith(end):
        told += os.read(descriptor, 4_096)
    return told


@POSIX
def test_one_line_of_printable_ascii(terminal: tuple[int, Path]):
    console = Console(terminal[1])
    assert console.say(redacted("VMEXT FAILED \u201cCaf\xe9\u201d\n\x1b[31mexit 100\x07"))
    assert console.wait(30) and console.problem == ""
    told = os.read(terminal[0], 4_096)
    assert told.startswith(b"\r\n") and told.endswith(b"\r\n")
    line = told.strip().decode("ascii")
    assert line.isprintable() and line.startswith('VMEXT FAILED "Cafe" ') and "exit 100" in line


@POSIX
def test_a_long_line_is_cut(terminal: tuple[int, Path]):
    console = Console(terminal[1])
    assert console.say(redacted("word " * 1_000))
    assert console.wait(30)
    told = os.read(terminal[0], 4_096)
    assert 400 < len(told) <= 500 and told.endswith(b"...\r\n")


@POSIX
def test_a_terminal_that_nobody_reads(terminal: tuple[int, Path]):
    """Its buffer fills up; saying never waits, each line ends in bounded time, and later lines arrive again."""
    console = Console(terminal[1], seconds=0.2)
    for _ in range(2_000):
        console.say(redacted("x" * 490))
        assert console.wait(30)
        if console.problem:
            break
    assert "takes nothing" in console.problem
    start = time.monotonic()
    console.say(redacted("again"))
    assert time.monotonic() - start < 5
    assert console.wait(30)
    os.set_blocking(terminal[0], False)
    try:
        while os.read(terminal[0], 65_536):
            pass
    except BlockingIOError:
        os.set_blocking(terminal[0], True)
    assert console.say(redacted("and now"))
    assert console.wait(30) and console.problem == ""
    assert read(terminal[0], b"and now\r\n")


@POSIX
def test_lines_that_come_together_come_in_order(terminal: tuple[int, Path]):
    console = Console(terminal[1], seconds=30)
    for number in range(5):
        assert console.say(redacted(f"line {number}"))
    told = read(terminal[0], b"line 4\r\n")
    assert told.split() == [word for number in range(5) for word in (b"line", b"%d" % number)]
    assert console.wait(30) and console.problem == ""


@POSIX
def test_of_lines_that_wait_the_newest_are_kept(terminal: tuple[int, Path]):
    console = Console(terminal[1], seconds=30)
    filler = os.open(terminal[1], os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        while True:
            os.write(filler, b"x" * 1_000)
    except BlockingIOError:
        os.close(filler)
    start = time.monotonic()
    for number in range(50):
        assert console.say(redacted(f"line {number:02}"))
    assert time.monotonic() - start < 10  # nobody waited for the terminal
    told = read(terminal[0], b"line 49\r\n")
    numbers = [int(word) for word in told.replace(b"x", b"").split() if word.isdigit()]
    assert numbers[-8:] == list(range(42, 50)) and len(numbers) <= 10
    assert console.wait(30) and console.problem == ""


@POSIX
def test_a_file_is_never_written_over(tmp_path: Path):
    file = tmp_path / "passwd"
    file.write_bytes(b"root")
    console = Console(file)
    console.say(redacted("text"))
    assert console.wait(30)
    assert "no terminal" in console.problem and file.read_bytes() == b"root"
    console = Console(Path("/dev/null"))
    console.say(redacted("text"))
    assert console.wait(30) and "no terminal" in console.problem


def test_a_missing_device_is_told_and_nothing_fails(tmp_path: Path):
    console = Console(tmp_path / "ttyS9")
    console.say(redacted("text"))
    assert console.wait(30) and console.problem


def test_without_a_device_nothing_is_written():
    console = Console(None)
    assert not console.say(redacted("text"))
    assert console.problem == "this machine has no serial console"


def test_only_redacted_text_goes_out(tmp_path: Path):
    with pytest.raises(TypeError):
        Console(tmp_path).say("plain")  # type: ignore[arg-type]


@POSIX
def test_the_terminal_never_becomes_ours(terminal: tuple[int, Path]):
    """A process without a terminal that opens one would be its own: Ctrl-C there would end the agent."""
    import subprocess

    script = (
        "import os, sys\nfrom pathlib import Path\nfrom collector.redact.redactor import Redactor\n"
        "from collector.watch.console import Console\nos.setsid() if os.getpid() != os.getsid(0) else None\n"
        "console = Console(Path(sys.argv[1]))\nconsole.say(Redactor(b'0' * 32).text('text'))\nconsole.wait(30)\n"
        "try:\n    os.open('/dev/tty', os.O_RDWR)\nexcept OSError:\n    print('none', console.problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(terminal[1])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        start_new_session=True,
    )
    assert done.stdout.strip() == "none"


# ---- which device ---------------------------------------------------------------------------------------


def machine(root: Path, consoles: str = "", active: str = "") -> Path:
    (root / "proc").mkdir(parents=True)
    (root / "proc" / "consoles").write_text(consoles)
    folder = root / "sys" / "class" / "tty" / "console"
    folder.mkdir(parents=True)
    (folder / "active").write_text(active)
    return root


@pytest.mark.parametrize(
    ("consoles", "active", "device"),
    [
        (
            "tty0                 -WU (E  p  )    4:1\nttyS0                -W- (EC p a)    4:64\n",
            "tty0 ttyS0\n",
            "ttyS0",
        ),
        ("", "tty0 ttyS0\n", "ttyS0"),
        ("ttyAMA0              -W- (EC p a)  204:64\n", "", "ttyAMA0"),
        ("tty0                 -WU (EC p  )    4:1\n", "tty0\n", None),
        ("ttyS1                -W- (EC p a)    4:65\n", "ttyS1", None),
        ("\n\n", "", None),
    ],
)
def test_the_device_is_a_serial_port_that_the_kernel_uses(
    tmp_path: Path, consoles: str, active: str, device: str | None
):
    root = machine(tmp_path / "root", consoles, active)
    assert find_device(root=root) == (root / "dev" / device if device else None)


def test_without_any_hint_there_is_none(tmp_path: Path):
    assert find_device(root=tmp_path) is None


@pytest.mark.parametrize("wanted", ["ttyS1", "/dev/ttyS1"])
def test_the_one_that_is_wanted(tmp_path: Path, wanted: str):
    assert find_device(wanted, tmp_path) == tmp_path / "dev" / "ttyS1"
