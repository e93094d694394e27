"""The observer of folders by the system's own notification; one that may be ended at any moment.

Source: Microsoft, ReadDirectoryChangesW, CancelIoEx, CloseHandle.
"""

from __future__ import annotations

import contextlib
import sys
import threading

from watchdog.observers.api import BaseObserver

#: How long a thread is waited for before its waiting is cancelled once more: it may just have been about to begin.
_AGAIN_SECONDS = 0.05

if sys.platform == "win32":
    from watchdog.observers.read_directory_changes import WindowsApiEmitter
    from watchdog.observers.winapi import CancelIoEx, CloseHandle

    class _Emitter(WindowsApiEmitter):
        """Closes its folder's handle once, and only after its thread has left it.

        That of watchdog (4 to 6) cancels once and closes at once: what begins to wait between the two waits on a handle
        that is gone, or on another file that was given its number, and the end of the thread is waited for without a
        limit. A folder that was deleted is closed twice, the second time maybe as someone else's file. Wine then writes
        the late answer to where the thread's stack was.
        """

        def on_thread_stop(self) -> None:
            if self is threading.current_thread():  # its folder is gone; who takes the watch away closes it
                return
            while self.is_alive():
                with contextlib.suppress(OSError):  # nothing to cancel yet
                    CancelIoEx(self._whandle, None)
                self.join(_AGAIN_SECONDS)
            handle, self._whandle = self._whandle, None
            if handle:
                CloseHandle(handle)

    def observer() -> BaseObserver:
        """Not yet started."""
        return BaseObserver(_Emitter)

else:
    from watchdog.observers import Observer

    def observer() -> BaseObserver:
        """Not yet started."""
        return Observer()
