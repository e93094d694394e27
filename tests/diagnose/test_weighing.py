"""Which cause comes first, how sure it is, and what is told to speak for it."""

from __future__ import annotations

import pytest

from collector.diagnose.weighing import weigh
from collector.model import Evidence, Identity
from tests.diagnose.stories import AMA, CSE, NOW, WCSE, disk, event, facts, failure, hang, process

LINUX, WINDOWS = Identity("linux"), Identity("windows")
OOM = event("oom-kill", -1, "Out of memory: Killed process 812 (java)")
FULL = facts(disks=(disk("/", free=0),))
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (x)"
NO_SPACE = "write error: No space left on device"
FIRST = [
    ("text", failure(CSE, LOCKED, exit_code=100), facts(), LINUX, "package-001-manager-locked", "medium"),
    ("text beats machine", failure(CSE, LOCKED, exit_code=100), FULL, LINUX, "package-001-manager-locked", "medium"),
    ("a killed script, and the kernel says so", failure(CSE, "run.sh: line 3", exit_code=137), facts(events=(OOM,)), LINUX,
     "memory-001-killed", "high"),
    ("only the kernel says so", failure(CSE, "run.sh: line 3", exit_code=9), facts(events=(OOM,)), LINUX,
     "memory-001-killed", "medium"),
    ("a full disk alone is no answer", failure(CSE, "run.sh: line 3", exit_code=9), FULL, LINUX,
     "script-001-exit-code", "medium"),
    ("no inodes", failure(CSE, "run.sh: line 3", exit_code=1), facts(disks=(disk("/", inodes=0),)), LINUX,
     "disk-002-no-inodes", "medium"),
    ("a question", hang(CSE), facts(processes=(process(CSE, "input (pipe)"),)), LINUX, "script-004-waits-for-input", "medium"),
    ("a wait for the lock", hang(AMA), facts(processes=(process(AMA, "a lock on /var/lib/dpkg/lock"),)), LINUX,
     "package-001-manager-locked", "medium"),
    ("a restart", hang(CSE), facts(events=(event("boot", 5),)), LINUX, "script-005-reboots", "medium"),
    ("a restart while a handler that runs no script worked", hang("P.T"), facts(events=(event("boot", 5),)), LINUX,
     "system-007-restarted", "medium"),
    ("a script's time", hang(CSE, "Timeout(5400)"), facts(), LINUX, "script-006-over-time", "high"),
    ("a handler's time", hang("P.T", "Timeout(300)"), facts(), LINUX, "handler-001-over-time", "high"),
    ("a handler's time on Windows", hang("P.T", "Install command of P.T has not exited on time! Killing it..."), facts(),
     WINDOWS, "handler-001-over-time", "high"),
    ("containers that are killed all the time", failure(CSE, "run.sh: line 3", exit_code=9),
     facts(events=(event("oom-kill", -1, "Memory cgroup out of memory: Killed process 9 (x)"),)), LINUX,
     "script-001-exit-code", "medium"),
    ("a machine that was just made", failure(CSE, "run.sh: line 3", exit_code=9), facts(events=(event("boot", -5),)), LINUX,
     "script-001-exit-code", "medium"),
    ("missing DLL, signed", failure(WCSE, "x", exit_code=-1073741515), facts(), WINDOWS, "windows-001-missing-dll", "medium"),
    ("missing DLL, unsigned", failure(WCSE, "x", exit_code=0xC0000135), facts(), WINDOWS, "windows-001-missing-dll", "medium"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "failed", "machine", "who", "first", "sure"), FIRST, ids=[row[0] for row in FIRST])
def test_the_likeliest_cause(story, failed, machine, who, first, sure):
    cause = weigh(failed, who, machine)[0].cause
    assert (cause.id, cause.confidence) == (first, sure)


DA = "Microsoft.Azure.Monitoring.DependencyAgent.DependencyAgentLinux"
OMS = "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux"
DSC = "Microsoft.Powershell.DSC"
MDE = "Microsoft.Azure.AzureDefenderForServers.MDE.Linux"
#: What the script or the handler printed, its first line first; and what made it fail.
OUTPUTS = [
    (CSE, 9, "curl: (6) Could not resolve host: a.example\nunzip:  cannot find or open app.zip", "network-002-name-resolution"),
    (CSE, 4, "wget: unable to resolve host address 'packages.microsoft.com'", "network-002-name-resolution"),
    (CSE, 127, "E: Could not get lock /var/lib/dpkg/lock-frontend\nrun.sh: line 4: nginx: command not found",
     "package-001-manager-locked"),
    (CSE, 1, "Existing lock /var/run/yum.pid: another copy is running as pid 1832.", "package-001-manager-locked"),
    (OMS, 55, "dpkg: error: dpkg frontend lock is locked by another process", "package-001-manager-locked"),
    (CSE, 1, "ls: cannot access '/opt/old': No such file or directory\nE: Unable to locate package x", "package-002-repository"),
    (CSE, 100, "E: The repository 'https://x jammy InRelease' is not signed.", "package-002-repository"),
    (CSE, 22, "curl: (22) The requested URL returned error: 404", "storage-002-not-found"),
    (CSE, 8, "2026-01-01 10:00:00 ERROR 403: Forbidden.", "storage-001-forbidden"),
    (CSE, 22, "curl: (22) The requested URL returned error: 503", "platform-004-throttled"),
    (CSE, 32, "mount error(13): Permission denied", "identity-002-credentials-refused"),
    (CSE, 32, "mount error(115): Operation now in progress", "network-001-unreachable"),
    (CSE, 128, "fatal: could not read Username for 'https://github.com': No such device", "identity-002-credentials-refused"),
    (CSE, 1, "ModuleNotFoundError: No module named 'yaml'", "ext-python-module"),
    (AMA, 1, "ModuleNotFoundError: No module named 'imp'", "system-003-python"),
    (CSE, 127, "sh: 0: cannot open install.sh: No such file", "script-010-not-found"),
    (CSE, 127, "/bin/sh: 1: ./install.sh: not found", "script-010-not-found"),
    (CSE, 126, "/bin/sh: ./x.rb: /usr/bin/ruby: bad interpreter: No such file or directory", "script-002-command-missing"),
    (CSE, 2, 'run.sh: 3: Syntax error: "(" unexpected', "script-009-syntax"),
    (CSE, 124, "", "code-timeout-124"),
    (CSE, 143, "Terminated", "system-008-ended-from-outside"),
    (CSE, -1, "command terminated with exit status=-1", "system-008-ended-from-outside"),
    ("P.T", 1, "x: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by x)", "system-004-unsupported"),
    ("P.T", 1, "bin/x: Text file busy", "ext-text-file-busy"),
    (DA, 51, "Unsupported kernel version: 6.11.0-1004-azure", "system-004-unsupported"),
    (AMA, 51, "Unsupported operating system: azurelinux 3.0", "system-004-unsupported"),
    (MDE, 24, "", "package-002-repository"),
    (CSE, 1, "cp: Fehler beim Schreiben von 'x': Auf dem Gerät ist kein Speicherplatz mehr verfügbar", "disk-001-full"),
    (CSE, 1, "mkdir: 无法创建目录 “/data”: 只读文件系统", "disk-004-read-only"),
    (WCSE, 1, 'Die Benennung "choco" wurde nicht als Name eines Cmdlet, einer Funktion erkannt.', "script-002-command-missing"),
    (WCSE, 1, "Error Message: The remote server returned an error: (409) Public access is not permitted", "storage-001-forbidden"),
    (WCSE, 1, "Failed to download all specified files. Exiting. Error Message: The remote server returned an error: "
     "(404) Not Found.", "storage-002-not-found"),
    (WCSE, 1, "The update requires a system restart.", "win-needs-restart"),
    (WCSE, -1073741510, "", "system-008-ended-from-outside"),
    (WCSE, -1073740791, "", "code-ntstatus--1073740791"),
    (DSC, None, "DSC Configuration 'X' completed with error(s). Following are the first few: The user name or password "
     "is incorrect.", "identity-002-credentials-refused"),
    (DSC, None, "DSC Configuration 'X' completed with error(s). Following are the first few: it is so",
     "dsc-001-configuration-failed"),
    ("P.T", None, "Failed to download artifacts: Failed to download x from all URIs. Last error: [Errno -3] Temporary failure "
     "in name resolution", "network-002-name-resolution"),
    ("P.W", -2147023293, "", "windows-004-installer-failed"),
    ("P.W", -2147024891, "", "system-005-permission"),
]  # fmt: skip


@pytest.mark.parametrize(("extension", "code", "output", "first"), OUTPUTS, ids=[row[2][:40] for row in OUTPUTS])
def test_what_the_output_tells_first(extension, code, output, first):
    """Of a script by its first line; of a handler as the agent tells it: its own line with the code, then the output."""
    agents = f"[ExtensionOperationError] Non-zero exit code: {code}, x"
    message = (output.splitlines() or [f"exit {code}"])[0] if extension in (CSE, WCSE) or code is None else agents
    told = failure(extension, message, exit_code=code, detail=f"{message}\n{output}", evidence=tuple(
        Evidence("a/stderr", number, NOW, line) for number, line in enumerate(output.splitlines(), start=1)
    ))  # fmt: skip
    who = WINDOWS if extension in (WCSE, DSC, "P.W") else LINUX
    assert weigh(told, who, facts())[0].cause.id == first


def test_the_order_of_the_lines_settles_what_is_equally_telling():
    lines = ["No space left on device", "E: Unable to locate package x"]
    for first, second in (lines, lines[::-1]):
        told = failure(CSE, "exit 1", exit_code=1, detail="", evidence=tuple(
            Evidence("a/stderr", number, NOW, line) for number, line in enumerate((first, second), start=1)
        ))  # fmt: skip
        assert weigh(told, LINUX, facts())[0].cause.evidence[0].text == first


def test_no_other_cause_is_surer_than_the_first():
    both = failure(CSE, LOCKED, exit_code=127, evidence=(Evidence("a/stderr", 1, NOW, LOCKED), Evidence(
        "a/handler.log", 9, NOW, "command terminated with exit status=127", "exit")))  # fmt: skip
    sure = [one.cause.confidence for one in weigh(both, LINUX, facts())]
    assert sure == ["medium", "medium"]


def test_one_line_is_one_cause():
    for line, who, extension in (
        ("curl: (6) Could not resolve host: a.example", LINUX, CSE),
        ("toomanyrequests: You have reached your pull rate limit.", LINUX, CSE),
        ("Try join: domain='x', errCode='1355'.", WINDOWS, "Microsoft.Compute.JsonADDomainExtension"),
    ):
        assert len(weigh(failure(extension, line, exit_code=1), who, facts())) == 1


def test_what_has_not_ended_is_not_surely_due_to_an_error_in_its_output():
    line = "/bin/sh: 1: nc: not found"
    told = hang(CSE, "no end", evidence=(Evidence("a/stderr", 1, NOW, line),))
    first = weigh(told, LINUX, facts())[0].cause
    assert (first.id, first.confidence) == ("script-002-command-missing", "low")


def test_a_line_of_the_rest_of_the_text_is_told_with_its_cause():
    told = failure("P.T", "it failed", detail="it failed\n[stdout]\nall is well\nE: Unable to locate package x\nbye")
    cause = weigh(told, LINUX, facts())[0].cause
    assert [(line.text, line.path, line.role) for line in cause.evidence] == [
        ("E: Unable to locate package x", "", "context")
    ]


def test_that_a_handler_failed_does_not_hide_the_number_that_its_output_tells():
    text = "[ExtensionOperationError] Non-zero exit code: 1, x"
    told = failure("P.T", text, exit_code=1, detail=f"{text}\n[stderr]\nrsync -a x y exited with code 23")
    assert weigh(told, LINUX, facts())[0].cause.id == "code-rsync-23"


def test_noexec_and_a_program_that_was_refused():
    noexec = facts(disks=(disk("/"), disk("/var", options="rw,noexec")))
    denied = "/bin/sh: 1: /var/lib/waagent/P.T-1/bin/handler: Permission denied"
    assert weigh(failure("P.T", denied, exit_code=126), LINUX, noexec)[0].cause.id == "disk-003-noexec"
    assert weigh(failure("P.T", denied, exit_code=1), LINUX, noexec)[0].cause.id == "system-005-permission"


def test_the_other_causes_that_fit_are_told_with_their_evidence():
    both = failure(CSE, "install failed", exit_code=1, detail="install failed",
                   evidence=(Evidence("a/stderr", 3, NOW, NO_SPACE), Evidence("a/stderr", 9, NOW, LOCKED)))  # fmt: skip
    causes = [one.cause for one in weigh(both, LINUX, FULL)]
    assert [cause.id for cause in causes] == ["disk-001-full", "package-001-manager-locked"]
    assert [(line.path, line.line) for line in causes[0].evidence] == [("a/stderr", 3), ("", 0)]
    assert "0 MB of 30 GB free" in causes[0].evidence[1].text.replace("30,000 MB", "30 GB")
    assert [line.line for line in causes[1].evidence] == [9]


def test_nothing_known_gives_no_cause():
    assert weigh(failure("Acme.App", exit_code=77), LINUX, facts()) == ()


def test_that_it_failed_is_not_told_beside_why():
    ids = [one.cause.id for one in weigh(failure(CSE, LOCKED, exit_code=100), LINUX, facts())]
    assert ids == ["package-001-manager-locked"]
