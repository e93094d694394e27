"""Scripts as they lie on the disk, and what they printed."""

from __future__ import annotations

import re

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated
from collector.diagnose.practices.material import Script

#: What reaches the portal of each stream, and how long an inline script may be, in bytes.
_PORTAL_BYTES, _INLINE_BYTES = 4_096, 262_144
_FILE_ARGUMENT = r"(?i)argument '([^']+)' to the -File parameter does not exist"
_FAULTS = r"(?im)^.*(?:: command not found|syntax error|: Permission denied|^E: Unable to locate package).*$"
_STRICT = r"(?m)^\s*set\s+-\w*e|^#!.*\s-\w*e|set\s+-o\s+errexit"


def _is_run(script: Script) -> bool:
    return script.name.lower().endswith((".sh", ".bash")) or script.text.startswith(("#!", "\ufeff#!"))


def _line_ends(case: Case) -> Found | None:
    scripts = [script for script in case.operation.scripts if _is_run(script)]
    if not scripts:  # the shell may have told it
        return None
    for script in scripts:
        if script.windows_ends:
            return violated(f"{script.name} has Windows line ends", script.path, 1)
        if script.mark:
            return violated(f"{script.name} begins with a byte order mark", script.path, 1)
    return passed(f"{len(scripts)} script{'s have' if len(scripts) > 1 else ' has'} Linux line ends")


def _interpreter(case: Case) -> Found | None:
    named = [script for script in case.operation.scripts if script.interpreter]
    for script in named:
        if script.interpreter_there is False:
            return violated(f"{script.name} names {script.interpreter}, which is not there", script.path, 1)
    known = [script for script in named if script.interpreter_there]
    if known:
        return passed(f"{known[0].interpreter} is there")
    return unknown("the disk does not tell whether the interpreters are there") if named else None


def _relative(case: Case) -> Found | None:
    """Only a file that is there and was not found: any other missing file is no matter of paths."""
    if not case.failed:
        return None
    for text in case.texts("stderr"):
        for found in re.finditer(r"([\w./-]*?)([\w-]+\.\w+): (?:No such file or directory|not found)", text.text):
            path, name = found[1], found[2]
            if path.startswith("/") and any(file.rsplit("/", 1)[-1] == name for file in case.operation.files):
                line = text.first_line + text.text.count("\n", 0, found.start()) if text.first_line else 0
                where = f"it looked for {name} in a folder of its own choice, and it lies in the download folder"
                return violated(where, text.path, line)
    return None


def _subfolder(case: Case) -> Found | None:
    below = {file.rsplit("/", 1)[-1].lower(): file for file in case.operation.files if "/" in file}
    if not below:
        return not_applicable("no downloaded file lies in a sub-folder")
    for text in case.texts("stderr", "status"):
        found = re.search(_FILE_ARGUMENT, text.text)
        name = re.split(r"[\\/]", found[1])[-1].lower() if found else ""
        if name in below:
            return violated(f"the command names {name}, which was downloaded to {below[name]}", text.path)
    return None


def _inline(case: Case) -> Found | None:
    script = case.setting("script")
    if not isinstance(script, str):
        return not_applicable("the public settings have no script")
    if len(script) > _INLINE_BYTES:
        return violated(f"script is {len(script):,} bytes long", case.settings_path)
    import base64
    import binascii

    try:
        base64.b64decode("".join(script.split()), validate=True)
    except (binascii.Error, ValueError):
        return violated("script is no base64, so that nothing is run and success is told", case.settings_path)
    return passed(f"script is base64 of {len(script):,} bytes")


def _output(case: Case) -> Found | None:
    sizes = [(text.size, text) for text in case.texts("stdout", "stderr") if text.size]
    if not sizes:
        return not_applicable("no output lies on the disk")
    size, text = max(sizes, key=lambda pair: pair[0])
    if size <= _PORTAL_BYTES:
        return passed("the portal shows all of its output")
    return passed(f"of {size:,} bytes the portal shows the last {_PORTAL_BYTES:,}; all of them lie here", text.path)


def _exit_code(case: Case) -> Found | None:
    if not case.succeeded:
        return not_applicable("the last run did not end as a success")
    for text in case.texts("stderr"):
        found = re.search(_FAULTS, text.text)
        if found is None:
            continue
        shells = [script for script in case.operation.scripts if _is_run(script)]
        if not shells:
            return unknown("it printed an error and counts as a success, and its script is not on the disk")
        if not any(re.search(_STRICT, script.text) for script in shells):
            line = text.first_line + text.text.count("\n", 0, found.start()) if text.first_line else 0
            return violated("it printed an error, went on without set -e, and counts as a success", text.path, line)
    return passed("the last run ended well")


def _again(case: Case) -> Found | None:
    if not case.operation.earlier:
        return not_applicable("there was no earlier run on this disk")
    return passed("it was run again and ended well") if case.succeeded else None


CHECKS: Checks = {
    "cse-crlf": _line_ends,
    "cse-shebang": _interpreter,
    "cse-relative-path": _relative,
    "cse-w-subfolder": _subfolder,
    "cse-script-256k": _inline,
    "cse-output-limit": _output,
    "cse-l-exitcode": _exit_code,
    "cse-idempotent": _again,
}
