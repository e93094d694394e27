"""Who may enter a folder of ours on Windows, and who put it there.

Any user may make folders in %ProgramData%, and what an administrator makes there by hand lets others add files: so a
folder of ours is made with its access list in one step, and one that was there before counts only if it is ours.
Sources: Microsoft, CreateDirectoryW, GetNamedSecurityInfoW, SetNamedSecurityInfoW, "Security Descriptor String Format",
"Well-known SIDs".
"""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

#: The system and administrators may do all, with all that will lie inside; nothing comes from the folder above.
PRIVATE = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
#: The system, administrators, and the installer of Windows (its well-known service SID).
TRUSTED = frozenset(
    ("S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464")
)  # fmt: skip
#: As such a list names who is trusted: the system, administrators, the owner if trusted, the creator of what is inside.
_TRUSTEES = frozenset(("SY", "BA", "OW", "CO"))
_LIST = re.compile(r"D:([A-Z_]*)((?:\([^)]*\))*)")


def is_private(descriptor: str) -> bool:
    """Whether a list in SDDL is cut off from the folder above and grants nothing to others. Pure."""
    found = _LIST.search(descriptor)
    if found is None or "P" not in found[1] or "NO_ACCESS_CONTROL" in found[1]:  # the latter lets everyone in
        return False
    entries = [entry.split(";") for entry in re.findall(r"\(([^)]*)\)", found[2])]
    return all(len(entry) >= 6 and (entry[0] == "D" or entry[5] in _TRUSTEES) for entry in entries)


if sys.platform == "win32":
    _advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
    #: SE_FILE_OBJECT; OWNER, DACL, and PROTECTED_DACL_SECURITY_INFORMATION (accctrl.h, winnt.h).
    _FILE, _OWNER, _DACL, _PROTECTED = 1, 0x1, 0x4, 0x80000000
    _REVISION, _TOKEN_QUERY, _TOKEN_USER = 1, 0x8, 1
    _MOST_BYTES = 256  # of a token's user: a pointer, flags, and a SID of 68 bytes at most

    class _Attributes(ctypes.Structure):
        _fields_ = (("length", ctypes.c_uint32), ("descriptor", ctypes.c_void_p), ("inherit", ctypes.c_int))

    def make_private_folder(folder: Path) -> None:
        """Only administrators and the system can enter it, from the first moment. Raises OSError."""
        descriptor = _descriptor()
        try:
            attributes = _Attributes(ctypes.sizeof(_Attributes), descriptor, 0)
            if not _kernel32.CreateDirectoryW(ctypes.c_wchar_p(str(folder)), ctypes.byref(attributes)):
                raise _error(ctypes.get_last_error(), folder)
        finally:
            _kernel32.LocalFree(descriptor)

    def restrict(folder: Path) -> None:
        """The same for a folder that is there, and what is inside and has no list of its own. Raises OSError."""
        descriptor = _descriptor()
        try:
            present, defaulted, dacl = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p()
            arguments = (ctypes.byref(present), ctypes.byref(dacl), ctypes.byref(defaulted))
            if not _advapi32.GetSecurityDescriptorDacl(descriptor, *arguments):
                raise _error(ctypes.get_last_error(), folder)
            code = _advapi32.SetNamedSecurityInfoW(
                ctypes.c_wchar_p(str(folder)), _FILE, ctypes.c_uint32(_DACL | _PROTECTED), None, None, dacl, None
            )
            if code:
                raise _error(code, folder)
        finally:
            _kernel32.LocalFree(descriptor)

    def access_list(path: Path) -> str:
        """In SDDL. Raises OSError."""
        return _told(path, _DACL)

    def is_trusted(path: Path) -> bool:
        """Whether it belongs to the system, administrators or this user. Raises OSError."""
        owner = _owner(path)
        return owner in TRUSTED or owner == _own_sid()

    def _descriptor() -> ctypes.c_void_p:
        """To be freed by LocalFree."""
        descriptor = ctypes.c_void_p()
        if not _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            ctypes.c_wchar_p(PRIVATE), _REVISION, ctypes.byref(descriptor), None
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        return descriptor

    def _told(path: Path, what: int) -> str:
        descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
        code = _advapi32.GetNamedSecurityInfoW(
            ctypes.c_wchar_p(str(path)), _FILE, what, None, None, None, None, ctypes.byref(descriptor)
        )
        if code:
            raise _error(code, path)
        try:
            if not _advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
                descriptor, _REVISION, what, ctypes.byref(text), None
            ):
                raise _error(ctypes.get_last_error(), path)
            return str(text.value)
        finally:
            _kernel32.LocalFree(text)
            _kernel32.LocalFree(descriptor)

    def _owner(path: Path) -> str:
        """Its SID."""
        descriptor, sid = ctypes.c_void_p(), ctypes.c_void_p()
        code = _advapi32.GetNamedSecurityInfoW(
            ctypes.c_wchar_p(str(path)), _FILE, _OWNER, ctypes.byref(sid), None, None, None, ctypes.byref(descriptor)
        )
        if code:
            raise _error(code, path)
        try:
            return _text(sid.value)
        finally:
            _kernel32.LocalFree(descriptor)

    def _own_sid() -> str:
        """Of the user that this process runs as."""
        _kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        token, needed = ctypes.c_void_p(), ctypes.c_uint32()
        process = ctypes.c_void_p(_kernel32.GetCurrentProcess())
        if not _advapi32.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            user = ctypes.create_string_buffer(_MOST_BYTES)
            if not _advapi32.GetTokenInformation(token, _TOKEN_USER, user, _MOST_BYTES, ctypes.byref(needed)):
                raise ctypes.WinError(ctypes.get_last_error())
            return _text(ctypes.cast(user, ctypes.POINTER(ctypes.c_void_p))[0])
        finally:
            _kernel32.CloseHandle(token)

    def _text(sid: int | None) -> str:
        """`sid`: where it lies."""
        text = ctypes.c_wchar_p()
        if not _advapi32.ConvertSidToStringSidW(ctypes.c_void_p(sid), ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return str(text.value)
        finally:
            _kernel32.LocalFree(text)

    def _error(code: int, path: Path) -> OSError:
        told = ctypes.WinError(code)
        return OSError(told.errno, told.strerror, str(path), code)

else:

    def make_private_folder(folder: Path) -> None:
        """Windows' alone."""
        folder.mkdir(mode=0o700)

    def restrict(folder: Path) -> None:
        """Windows' alone."""

    def access_list(path: Path) -> str:
        """Windows' alone."""
        return ""

    def is_trusted(path: Path) -> bool:
        """Windows' alone."""
        return True
