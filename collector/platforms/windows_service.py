"""This process as a service of Windows: what its manager wants of it, and what it is told.

Sources: Microsoft, StartServiceCtrlDispatcherW, RegisterServiceCtrlHandlerExW, SERVICE_STATUS, winsvc.h, ReportEventW.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Sequence

from collector.platforms.paths import system_program

#: SERVICE_STOPPED, ..._START_PENDING, ..._STOP_PENDING, ..._RUNNING.
_STOPPED, _STARTING, _STOPPING, _RUNNING = 1, 2, 3, 4
#: What is listened to: SERVICE_ACCEPT_STOP, ..._PARAMCHANGE, ..._PRESHUTDOWN, and the controls that come then.
_ACCEPTED = 0x1 | 0x8 | 0x100
_STOP, _INTERROGATE, _PARAMCHANGE, _PRESHUTDOWN = 0x1, 0x4, 0x6, 0xF
_OWN_PROCESS, _NOT_IMPLEMENTED, _SPECIFIC_ERROR = 0x10, 120, 1066
_EVENT_ERROR = 0x1
#: The manager waits so long for the next word before it calls a service hung: to start, and to end a child gently.
_START_MILLISECONDS, _STOP_MILLISECONDS = 60_000, 30_000
_CONNECT_SECONDS = 30.0
_CONTROL_SECONDS, _CONTROL_BYTES, _CONTROL_SIGNS = 60.0, 65_536, 300


def entered_command(name: str) -> str | None:
    """What the manager starts for a service; None where there is none by this name."""
    import psutil

    ask = getattr(psutil, "win_service_get", None)
    try:
        return str(ask(name).binpath()) if ask is not None else None
    except (psutil.Error, OSError):
        return None


def process_of(name: str) -> int | None:
    """The number of a service's process; None where it does not run."""
    import psutil

    ask = getattr(psutil, "win_service_get", None)
    try:
        return ask(name).pid() if ask is not None else None
    except (psutil.Error, OSError):
        return None


def control(command: Sequence[str]) -> tuple[int, str]:
    """Has sc.exe speak with the manager: its exit code, and the end of what it says. Raises OSError where it does not
    answer."""
    from collector.platforms.commands import asked

    answer = asked([system_program("sc.exe"), *command], seconds=_CONTROL_SECONDS, most_bytes=_CONTROL_BYTES)
    if answer is None or answer.code is None:
        raise OSError("sc.exe does not answer")
    return answer.code, " ".join(answer.data.decode("utf-8", "replace").split())[-_CONTROL_SIGNS:]


def _nothing() -> None:
    """No one listens yet."""


class ManagedService:
    """Speaks with the manager from a thread of its own; the service does its work in the main thread.

    It has the words of `watch.notify.Notifier`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._on_stop: Callable[[], None] = _nothing
        self._on_reload: Callable[[], None] = _nothing
        self._state, self._code, self._specific, self._wait = _STARTING, 0, 0, _START_MILLISECONDS
        self._checkpoint, self._handle = 0, 0
        self._begun, self._over = threading.Event(), threading.Event()
        self._error = 0

    def connect(self) -> bool:
        """False where this process was not started by the manager, or it does not answer."""
        threading.Thread(target=self._dispatch, name="vmext-service", daemon=True).start()
        return self._begun.wait(_CONNECT_SECONDS) and not self._error

    def listen(self, on_stop: Callable[[], None], on_reload: Callable[[], None]) -> None:
        """What is called, in another thread, when the manager wants an end, or says that settings have changed. It
        asks for neither before `ready`."""
        self._on_stop, self._on_reload = on_stop, on_reload

    def ready(self, status: str | None = None) -> None:
        self._tell(_RUNNING)

    def reloading(self) -> None:
        """The manager has no word for it."""

    def stopping(self) -> None:
        self._tell(_STOPPING)

    def alive(self, now: float) -> None:
        """The manager watches no one who runs."""

    def stopped(self, code: int) -> None:
        """The last word. `code`: of this product; with another than 0 the manager does what is to be done after a
        failure."""
        self._code, self._specific = (_SPECIFIC_ERROR, code) if code else (0, 0)
        self._tell(_STOPPED)
        self._over.set()

    def _tell(self, state: int) -> None:
        pending = state in (_STARTING, _STOPPING)
        self._state, self._checkpoint = state, self._checkpoint + 1 if pending else 0
        self._wait = {_STARTING: _START_MILLISECONDS, _STOPPING: _STOP_MILLISECONDS}.get(state, 0)
        self._send()

    def _answer(self, control: int, kind: int | None, data: int | None, context: int | None) -> int:
        """What the manager wants; in its thread, and at once."""
        if control in (_STOP, _PRESHUTDOWN):
            self._tell(_STOPPING)
            self._on_stop()
        elif control == _PARAMCHANGE:
            self._on_reload()
        elif control != _INTERROGATE:
            return _NOT_IMPLEMENTED
        else:
            self._send()
        return 0

    if sys.platform == "win32":

        def _dispatch(self) -> None:
            """Returns when the service is over, or where no manager waits for us."""
            main = _Main(self._main)
            table = (_Entry * 2)(_Entry(self._name, main), _Entry(None, _Main()))
            if not _advapi32.StartServiceCtrlDispatcherW(table):
                self._error = ctypes.get_last_error()
            self._begun.set()

        def _main(self, count: int, arguments: object) -> None:
            self._handler = _Handler(self._answer)  # kept: the manager calls it as long as we run
            self._handle = _advapi32.RegisterServiceCtrlHandlerExW(self._name, self._handler, None) or 0
            self._tell(_STARTING)
            self._begun.set()
            self._over.wait()

        def _send(self) -> None:
            accepted = _ACCEPTED if self._state == _RUNNING else 0
            status = _Status(
                _OWN_PROCESS, self._state, accepted, self._code, self._specific, self._checkpoint, self._wait
            )
            _advapi32.SetServiceStatus(self._handle, ctypes.byref(status))

    else:

        def _dispatch(self) -> None:
            self._error = 1
            self._begun.set()

        def _send(self) -> None:
            """There is no manager."""


if sys.platform == "win32":
    _advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    _advapi32.RegisterServiceCtrlHandlerExW.restype = ctypes.c_void_p
    _advapi32.RegisterServiceCtrlHandlerExW.argtypes = (ctypes.c_wchar_p, ctypes.c_void_p, ctypes.c_void_p)
    _advapi32.SetServiceStatus.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    _advapi32.RegisterEventSourceW.restype = ctypes.c_void_p
    _advapi32.DeregisterEventSource.argtypes = (ctypes.c_void_p,)
    _Main = ctypes.WINFUNCTYPE(None, ctypes.c_uint32, ctypes.c_void_p)
    _Handler = ctypes.WINFUNCTYPE(
        ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p
    )  # fmt: skip

    class _Entry(ctypes.Structure):
        _fields_ = (("name", ctypes.c_wchar_p), ("main", _Main))

    class _Status(ctypes.Structure):
        _fields_ = tuple(
            (name, ctypes.c_uint32)
            for name in ("kind", "state", "accepted", "code", "specific", "checkpoint", "wait")
        )  # fmt: skip

    def write_event(source: str, text: str) -> None:
        """An error in the Application log; `text` has no secrets. Never fails: what the log does not take is lost."""
        handle = _advapi32.RegisterEventSourceW(None, ctypes.c_wchar_p(source))
        if not handle:
            return
        texts = (ctypes.c_wchar_p * 1)(text)
        _advapi32.ReportEventW(ctypes.c_void_p(handle), _EVENT_ERROR, 0, 1, None, 1, 0, texts, None)
        _advapi32.DeregisterEventSource(handle)

else:

    def write_event(source: str, text: str) -> None:
        """There is no such log."""
