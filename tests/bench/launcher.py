"""Runs one command as a whole process and prints what it cost. A script of its own, with nothing imported.

The kernel counts into a process's largest memory that of the process it was forked from, up to the exec. A benchmark
that holds a hundred megabytes of log text would therefore find no child below that; this script holds nearly nothing.

usage: launcher.py STDOUT-FILE STDERR-FILE COMMAND [ARGUMENT...]
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    out, err, *command = sys.argv[1:]
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, how, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, err, how, 0o600),
    ]
    begin = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    sys.stdout.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss} {code}\n")


if __name__ == "__main__":
    main()
