"""The resident agent as a service of Windows: entered, started, stopped, taken out."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from collector.config.pages import toml_value
from collector.errors import ConfigError, VmextError
from collector.platforms import current
from collector.platforms.own_folder import put_aside
from collector.platforms.service_settings import NAME, command_of, details, entry
from collector.platforms.windows_service import control, entered_command, process_of
from collector.service.configuration import examine

#: What is waited for: a start with its first look at every log; a stop that ends a collect gently.
_START_SECONDS, _STOP_SECONDS, _LOOK_SECONDS = 90.0, 60.0, 0.3
#: Settings that `install` writes; a file with others is someone's own work.
WRITTEN = ("upload_url", "token_file")


def install(config: Path | None, settings: Mapping[str, str]) -> Iterator[str]:
    """Enters the service, or changes what is entered; yields what was done. `config`: a file whose content becomes the
    configuration. `settings`: of WRITTEN, what is to stand in it.

    Raises VmextError where Windows refuses, ConfigError where the configuration is wrong.
    """
    _may()
    if sys.prefix != sys.base_prefix:  # its python.exe starts another one, which the manager does not know
        raise ConfigError("a virtual environment can't be a service", "Install the Windows package of vmext.")
    state = current().service_state_dir()
    try:
        if aside := put_aside(state):
            yield f"{state} belonged to a user who is no administrator; it is now {aside}"
        current().make_private(state)
        yield from _configure(config, settings)
    except OSError as error:
        raise VmextError(f"{error.filename or state} can't be used: {error.strerror}") from error
    before = entered_command(NAME)
    if before != command_of(sys.executable):
        _sc(*entry(sys.executable, is_new=before is None))
    for command in details():
        if code := _run(command)[0]:
            yield f"Windows did not take sc {' '.join(command)} ({code})"
    yield f"the service {NAME} is entered; vmext service start starts it, and so does the next start of the machine"


def remove() -> None:
    """Stops the service and takes it out; state and configuration stay. Raises VmextError."""
    stop()
    if _state() is not None:
        _sc("delete", NAME)


def start() -> None:
    """Returns when it follows the logs. Raises VmextError where it does not come to that."""
    _may()
    if _state() not in ("running", "start_pending"):
        _sc("start", NAME)
    if _settled("running", ("stopped",), _START_SECONDS) != "running":
        raise VmextError(
            f"the service {NAME} did not start",
            f"Why stands in the Application log (source {NAME}) and in {current().service_state_dir() / 'log'}.",
        )


def stop() -> None:
    """Returns when it has ended, and its process with it, which holds the files. Raises VmextError."""
    import psutil

    _may()
    if _state() in (None, "stopped"):
        return
    pid = process_of(NAME)
    _sc("stop", NAME)
    if _settled("stopped", (), _STOP_SECONDS) not in ("stopped", None):
        raise VmextError(f"the service {NAME} did not stop within {_STOP_SECONDS:.0f} seconds")
    with suppress(psutil.Error):
        psutil.Process(pid).wait(_STOP_SECONDS)


def _may() -> None:
    if current().system != "windows":
        raise ConfigError("services of Windows are on Windows alone", "On Linux: systemctl status vmext.")
    if not current().is_admin():
        raise ConfigError("services are for administrators", "Start PowerShell as an administrator.")


def _configure(config: Path | None, settings: Mapping[str, str]) -> Iterator[str]:
    """Writes the configuration file where something is given for it."""
    place = current().config_file()
    if config is not None:
        _check(config)
        if config.resolve() != place.resolve():
            shutil.copyfile(config, place)
            yield f"{place} is now what {config} is"
    elif settings:
        new = "".join(f"{name} = {toml_value(value)}\n" for name, value in settings.items())
        if place.is_file() and not _is_written_here(place):
            yield f"{place} is left as it is: it holds more than was given here"
            return
        part = place.with_suffix(".part")
        part.write_text(new, encoding="utf-8")
        try:
            _check(part)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        yield f"{place} is written"


def _is_written_here(file: Path) -> bool:
    """Whether it holds nothing but what `install` writes."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    return all(not line or line.partition("=")[0].strip() in WRITTEN for line in lines)


def _check(file: Path) -> None:
    """Raises the first thing that is wrong in it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VMEXT_")}
    if problems := examine(file, clean).problems:
        raise problems[0]


def _settled(wanted: str, others: Sequence[str], seconds: float) -> str | None:
    """The state of the service as soon as it is one of these, or at the end of the time."""
    end = time.monotonic() + seconds
    while True:
        state = _state()
        if state is None or state == wanted or state in others or time.monotonic() > end:
            return state
        time.sleep(_LOOK_SECONDS)


def _state() -> str | None:
    """running, stopped, start_pending, ...; None where it is not entered."""
    found = current().service(NAME)
    return found[0] if found is not None else None


def _sc(*command: str) -> None:
    """Raises VmextError with what sc.exe says where it does not do it."""
    code, said = _run(command)
    if code:
        raise VmextError(f"Windows refuses sc {command[0]} {NAME} ({code}): {said}")


def _run(command: Sequence[str]) -> tuple[int, str]:
    try:
        return control(command)
    except OSError as error:
        raise VmextError(f"services of Windows can't be asked: {error}") from error
