"""A small file of each format: where its records begin, how long they are, and what each of them tells.

A row is: number of the head line + how many lines, time, basis, level, the message's beginning, what else it tells.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from collector.model import Record, iso
from collector.parse.registry import FORMATS
from tests.parse.making import LOGS, records, sample

ZONE = ZoneInfo("Asia/Kolkata")  # local stamps are 5 hours 30 minutes ahead
MODIFIED = 1_772_424_306.0  # 2026-03-02T04:05:06Z

#: file -> format told by the table of sources, format found in a file of which nothing is told
FORMS = {
    "L1-waagent.log": ("waagent", "waagent"),
    "L1-CommandExecution.log": ("command-execution", "waagent"),
    "L2-waagent.log": ("waagent", "waagent"),
    "L3-waagent.log": ("waagent", "waagent"),
    "L3-waagent-packed.log": ("waagent", "waagent"),
    "L4-extension.log": ("auto", "python-extension"),
    "L5-vmbackup.log": ("auto", "python-extension"),
    "L6-handler.log": ("logfmt", "logfmt"),
    "L7-apphealth.log": ("logfmt", "logfmt"),
    "L8-go-platform.log": ("go-platform", "go-platform"),
    "L9-cluster-provision.log": ("auto", "shell-trace"),
    "L10-waagent-old.log": ("waagent", "python-extension"),
    "W1-WaAppAgent.log": ("waapp", "waapp"),
    "W2-WaAppAgent.log": ("waapp", "waapp"),
    "W3-handler.log": ("auto", "waapp"),
    "W4-ADDomainExtension.log": ("domain-join", "domain-join"),
    "W5-dsc.log": ("dsc", "dsc"),
    "W6-wad.log": ("wad", "wad"),
    "W7-msi.log": ("auto", "msi"),
    "W8-CustomDataSetupScript.log": ("iso", "generic"),
    "W9-VmAgentInstaller.xml": ("xml-events", "xml-events"),
    "W10-event-log.log": ("windows-event", "waapp"),
    "mixed-waagent.log": ("waagent", "waagent"),
    "generic-CommandExecution.log": ("command-execution", "generic"),
    "generic-iso.log": ("auto", "generic"),
    "generic-us.log": ("auto", "generic"),
}

#: What the table tells is how later agents write.
OLD = {"L10-waagent-old.log": "waagent-old"}

Row = tuple[str, "str | None", str, str, str, dict[str, object]]
ROWS: dict[str, list[Row]] = {
    "L1-waagent.log": [
        ("1+1", "2026-01-20T02:07:58.104221Z", "utc", "INFO", "Azure Linux Agent Version: 2.15.0.1", {}),
        ("2+1", "2026-01-20T02:08:01.330870Z", "utc", "INFO", "Goal state agent: 2.15.0.1 found, 3 extensions t", {}),
        ("3+1", "2026-01-20T02:08:02.010055Z", "utc", "INFO", "Target handler state: enabled [etag 14]", {"extension": "Contoso.Backup.Agent", "version": "4.2.11"}),
        ("4+10", "2026-01-20T02:08:02.412904Z", "utc", "INFO", "Command: bin/setup.sh -enable", {"extension": "Contoso.Backup.Agent", "version": "4.2.11"}),
        ("14+18", "2026-01-20T02:08:15.970762Z", "utc", "ERROR", "[ExtensionOperationError] Non-zero exit code: 56", {"extension": "Contoso.Backup.Agent", "operation": "Install"}),
        ("32+1", "2026-01-20T02:08:16.083838Z", "utc", "WARNING", "the handler is tried again in 6 seconds", {}),
        ("33+1", "2026-01-20T02:08:17Z", "utc", "DEBUG", "polled green", {}),
        ("34+1", "2026-01-20T02:08:18.250000Z", "utc", "INFO", "Collected 4 events", {}),
        ("35+1", "2026-01-20T02:08:19Z", "utc", "INFO", "archive written", {}),
    ],
    "L1-CommandExecution.log": [
        ("1+1", "2026-02-03T11:20:00.000100Z", "utc", "INFO", "Executing command: /var/lib/waagent/Contoso.Web.", {"extension": "Contoso.Web.Config", "version": "1.4.0"}),
        ("2+10", "2026-02-03T11:20:05.718230Z", "utc", "INFO", "Command: /var/lib/waagent/Contoso.Web.Config-1.4", {"extension": "Contoso.Web.Config", "version": "1.4.0"}),
        ("12+1", "2026-02-03T11:25:00.000001Z", "utc", "INFO", "Executing command: /var/lib/waagent/Contoso.Web.", {"extension": "Contoso.Web.Config", "version": "1.4.0"}),
    ],
    "L2-waagent.log": [
        ("1+1", "2020-03-11T17:45:01.220001Z", "utc", "INFO", "Azure Linux Agent Version:2.2.46", {}),
        ("2+1", "2020-03-11T17:45:03.100442Z", "utc", "INFO", "Wire server endpoint:168.63.129.16", {}),
        ("3+1", "2020-03-11T17:45:04.992110Z", "utc", "INFO", "Handle goal state: enabled", {"extension": "Contoso.Metrics", "version": "2.0.7"}),
        ("4+4", "2020-03-11T17:45:09.001234Z", "utc", "ERROR", "[ExtensionError] the handler did not start", {"extension": "Contoso.Metrics", "version": "2.0.7", "operation": "Enable"}),
        ("8+1", "2020-03-11T17:45:09.500000Z", "utc", "WARNING", "no prefix word at all", {}),
    ],
    "L3-waagent.log": [
        ("1+1", "2018-02-21T02:31:20.000312Z", "zone", "INFO", "Azure Linux Agent Version:2.2.18", {}),
        ("2+1", "2018-02-21T02:31:21.912345Z", "zone", "INFO", "Launch command:bin/agent -run", {}),
        ("3+1", "2018-02-21T02:31:22.120000Z", "zone", "INFO", "Expected handler state: enabled", {"extension": "Contoso.Audit", "version": "1.0.3"}),
        ("4+2", "2018-02-21T02:31:25.001000Z", "zone", "WARNING", "Timeout(300): bin/audit enable", {"extension": "Contoso.Audit", "version": "1.0.3"}),
        ("6+4", "2018-02-21T02:31:26.450000Z", "zone", "ERROR", "Failed to start the daemon", {"extension": "Contoso.Audit", "operation": "Enable"}),
        ("10+1", "2018-02-21T02:31:27Z", "zone", "DEBUG", "sleeping", {}),
    ],
    "L3-waagent-packed.log": [
        ("1+1", "2019-11-12T15:06:37.772365Z", "zone", "ERROR", "[ExtensionOperationError] Non-zero exit code: 9,", {"extension": "Contoso.Probe", "operation": "Install"}),
        ("2+4", "2019-11-12T15:06:38.772365Z", "zone", "ERROR", "[ExtensionError] Timeout(900): bin/probe update ", {"extension": "Contoso.Probe", "operation": "Update"}),
        ("6+1", "2019-11-12T15:06:39.772365Z", "zone", "ERROR", "[ExtensionError] Timeout(900): bin/probe update ", {"extension": "Contoso.Probe", "operation": "Update"}),
        ("7+1", "2019-11-12T15:06:40.772365Z", "zone", "ERROR", "[ExtensionError] Timeout(900): bin/probe u", {"extension": "Contoso.Probe", "operation": "Enable"}),
        ("8+1", "2019-11-12T15:06:41.772365Z", "zone", "INFO", "eJust words that begin like packed ones", {"extension": "Contoso.Probe", "operation": "Enable"}),
    ],
    "L4-extension.log": [
        ("1+1", "2021-09-22T23:58:23Z", "zone", "", "Enable,transitioning,0,starting", {"extension": "Contoso.Linux.Diagnose", "version": "3.0.135"}),
        ("2+3", "2021-09-22T23:58:24Z", "zone", "", "Output of the command:", {"extension": "Contoso.Linux.Diagnose", "version": "3.0.135"}),
        ("5+2", "2021-09-22T23:58:25Z", "zone", "ERROR", "The service did not start", {"extension": "Contoso.Linux.Diagnose", "version": "3.0.135"}),
        ("7+4", "2021-09-22T23:58:26Z", "zone", "ERROR", "Traceback (most recent call last):", {}),
        ("11+1", "2021-09-22T23:58:26Z", "zone", "ERROR", "another message of the same second", {}),
        ("12+1", "2021-09-22T23:58:27Z", "zone", "ERROR", "the form of another handler", {}),
        ("13+1", "2021-09-22T23:58:28Z", "zone", "WARNING", "low on memory", {}),
        ("14+2", "2021-09-22T23:58:29Z", "zone", "", "Enable,failed,1,Enable failed with exit code 127", {"extension": "Contoso.Linux.Diagnose", "version": "3.0.135"}),
        ("16+1", "2021-09-22T23:58:30Z", "zone", "ERROR", "name before level", {"extension": "Contoso.Linux.Diagnose", "version": "3.0.135"}),
    ],
    "L5-vmbackup.log": [
        ("1+1", "2021-11-23T08:17:44.123456Z", "utc", "", "thaw of the file systems begins", {"extension": "Contoso.Vm.Snapshot", "version": "1.0.9188.0"}),
        ("2+1", "2021-11-23T08:17:44.900000Z", "utc", "", "mount points: / /data", {"extension": "Contoso.Vm.Snapshot", "version": "1.0.9188.0"}),
        ("3+5", "2021-11-23T08:17:45Z", "utc", "", "a stamp whose fraction is zero", {"extension": "Contoso.Vm.Snapshot", "version": "1.0.9188.0"}),
        ("8+1", "2021-11-23T08:17:47.000001Z", "utc", "", "status written", {"extension": "Contoso.Vm.Snapshot", "version": "1.0.9188.0"}),
    ],
    "L10-waagent-old.log": [
        ("1+1", "2015-08-04T04:46:30Z", "zone", "", "Found Plugin: Contoso.Linux.Diagnose version: 1.4.", {}),
        ("2+1", "2015-08-04T04:46:30Z", "zone", "", "Found RuntimeSettings for Contoso.Linux.Diagnose V", {}),
        ("3+1", "2015-08-04T04:46:31Z", "zone", "", "Spawned ./diagnose.py -install PID 3217", {}),
        ("4+3", "2015-08-04T04:46:36Z", "zone", "ERROR", "Process 3217 returned non-zero exit code (126)", {"extension": "Contoso.Linux.Diagnose", "version": "1.4.1.0", "operation": "Install"}),
        ("7+1", "2015-08-04T04:46:37Z", "zone", "", "Processing completed for Contoso.Linux.Diagnose-1", {}),
        ("8+1", "2015-08-04T04:46:40Z", "zone", "ERROR", "Process 3300 returned non-zero exit code (1)", {}),
        ("9+1", "2015-08-04T04:47:40Z", "zone", "ERROR", "Update failed for Contoso.Probe-2.0", {"extension": "Contoso.Probe", "version": "2.0", "operation": "Update"}),
    ],
    "L6-handler.log": [
        ("1+2", None, "none", "", "+ nohup /var/lib/waagent/Contoso.Script-2.1.19/b", {}),
        ("3+1", "2023-10-23T11:00:26Z", "offset", "INFO", "start", {"version": "2.1.19", "operation": "Enable", "sequence": 4}),
        ("4+1", "2023-10-23T11:00:27Z", "offset", "INFO", "executing command", {"version": "2.1.19", "operation": "Enable", "sequence": 4}),
        ("5+1", "2023-10-23T11:00:28Z", "utc", "ERROR", "failed to execute command: command terminated wi", {"version": "2.1.19", "operation": "Enable", "sequence": 4}),
        ("6+1", "2023-10-23T06:00:29Z", "offset", "INFO", "migrate to mrseq: Can't find out seqnum", {"version": "2.1.19", "operation": "Install"}),
        ("7+1", "2023-10-23T11:00:30Z", "offset", "INFO", "status report", {"version": "1.3.28", "name": "Nightly", "operation": "Enable", "sequence": 11}),
        ("8+9", "2023-10-23T11:00:30Z", "inherited", "ERROR", "panic: runtime error: index out of range [3] wit", {}),
        ("17+2", "2023-10-23T11:00:30Z", "inherited", "", "+ nohup /var/lib/waagent/Contoso.Script-2.1.19/b", {}),
        ("19+1", "2023-10-23T11:01:00Z", "offset", "INFO", "end", {"version": "2.1.19", "operation": "Enable", "sequence": 5}),
    ],
    "L7-apphealth.log": [
        ("1+1", "2026-08-14T07:03:11.204000Z", "utc", "INFO", "state changed", {"version": "2.0.13", "operation": "Enable", "sequence": 1}),
        ("2+1", "2026-08-14T05:03:16.204000Z", "offset", "WARNING", "probe slow", {"version": "2.0.13", "operation": "Enable", "sequence": 1}),
        ("3+1", "2026-08-14T07:03:21.204000Z", "utc", "ERROR", "probe failed: dial tcp 127.0.0.1:8080: connectio", {"version": "2.0.13", "operation": "Enable", "sequence": 1}),
        ("4+1", "2026-08-14T07:03:26.204000Z", "utc", "DEBUG", "heartbeat", {"version": "2.0.13", "operation": "Enable", "sequence": 1}),
    ],
    "L8-go-platform.log": [
        ("1+1", "2024-05-14T09:12:05Z", "utc", "INFO", "installing the application", {}),
        ("2+6", "2024-05-14T09:12:07Z", "utc", "ERROR", "command ended with 1603", {}),
        ("8+1", "2024-05-14T09:12:08Z", "utc", "WARNING", "will be tried again", {}),
    ],
    "L9-cluster-provision.log": [
        ("1+1", "2026-03-02T04:05:06Z", "file", "", "+ source /opt/node/provision_config.sh", {}),
        ("2+1", "2026-03-02T04:05:06Z", "file", "", "++ UBUNTU_RELEASE=22.04", {}),
        ("3+3", "2026-03-02T04:05:06Z", "file", "", "+ retrycmd_if_failure 120 5 25 nc -vz node-regis", {}),
        ("6+2", "2026-03-02T04:05:06Z", "file", "", "+ cat", {}),
        ("8+1", "2026-03-02T04:05:06Z", "file", "", "+ exit 50", {}),
    ],
    "W1-WaAppAgent.log": [
        ("1+1", "2019-11-14T00:22:13.440000Z", "zone", "INFO", "Starting the goal state of incarnation 2", {}),
        ("2+1", "2019-11-14T00:22:14.010000Z", "zone", "WARNING", "Command of Contoso.Windows.Guard has ended with ", {}),
        ("3+5", "2019-11-14T00:22:14.900000Z", "zone", "ERROR", "The plugin could not be enabled", {}),
        ("8+1", "2019-11-14T00:22:16Z", "zone", "INFO", "thread field missing here", {}),
        ("9+1", "2020-01-02T09:30:00.700000Z", "zone", "INFO", "one digit each", {}),
    ],
    "W2-WaAppAgent.log": [
        ("1+4", "2021-01-12T16:35:45Z", "utc", "ERROR", "Install failed for plugin (name: Contoso.Windows", {}),
        ("5+1", "2021-01-12T16:35:45.902000Z", "utc", "INFO", "WindowsAzureGuestAgent alive", {}),
        ("6+1", "2021-01-12T16:35:46Z", "utc", "INFO", "Waiting for command", {}),
    ],
    "W3-handler.log": [
        ("1+1", "2021-03-04T15:19:58.300000Z", "zone", "INFO", "Handler of Contoso.Script 1.10 started", {}),
        ("2+4", "2021-03-04T15:19:58.950000Z", "zone", "INFO", "HandlerSettings = {", {}),
        ("6+2", "2021-03-04T15:20:31.120000Z", "zone", "ERROR", "Command ended with code: 1", {}),
        ("8+1", "2021-03-04T15:20:31.130000Z", "zone", "WARNING", "status written", {}),
    ],
    "W4-ADDomainExtension.log": [
        ("1+1", "2020-12-29T12:35:31.744904Z", "utc", "INFO", "joining contoso.example", {}),
        ("2+2", "2020-12-29T12:35:33Z", "utc", "ERROR", "Trying to join with option 3 was without success", {}),
        ("4+1", "2020-12-29T12:35:34.120000Z", "utc", "INFO", "setting error code to 53", {}),
    ],
    "W5-dsc.log": [
        ("1+1", "2019-02-19T06:52:17Z", "utc", "", "Reading the handler's settings", {}),
        ("2+3", "2019-02-19T06:52:18Z", "utc", "ERROR", "The configuration did not converge because the r", {}),
        ("5+3", "2019-02-19T06:52:19Z", "utc", "", "Downloading https://storage.example/packages/con", {}),
        ("8+1", "2015-10-21T02:33:08Z", "zone", "", "an old handler writes no zone", {}),
        ("9+1", "2019-02-19T06:52:21Z", "utc", "WARNING", "a module is old", {}),
    ],
    "W6-wad.log": [
        ("1+1", "2016-04-16T00:54:15Z", "zone", "INFO", "starting the monitor", {}),
        ("2+1", "2016-04-16T06:30:01Z", "zone", "WARNING", "noon", {}),
        ("3+3", "2016-04-15T18:30:01Z", "zone", "ERROR", "midnight, exited with code -107", {}),
    ],
    "W7-msi.log": [
        ("1+1", "2017-07-05T17:54:28Z", "zone", "INFO", "listening on 50342", {"version": "0.9.0"}),
        ("2+1", "2017-07-05T17:54:30Z", "zone", "ERROR", "the port is taken", {"version": "0.9.0"}),
        ("3+1", "2017-07-05T17:54:31Z", "zone", "", "no level: here", {"version": "0.9.0"}),
    ],
    "W8-CustomDataSetupScript.log": [
        ("1+1", "2026-11-23T02:13:01.771209Z", "utc", "", "Downloading the package", {}),
        ("2+6", "2026-11-22T20:43:05Z", "offset", "", "ExitCode: |50|, Output: |WINDOWS_CSE_ERROR_X|, E", {}),
        ("8+1", "2026-11-23T10:13:06.500000Z", "offset", "", "done", {}),
    ],
    "W9-VmAgentInstaller.xml": [
        ("1+2", None, "none", "", "<?xml version=\"1.0\" encoding=\"utf-8\"?>", {}),
        ("3+1", "2019-12-12T12:49:05.163000Z", "utc", "INFO", "version 2.7 <new> & ready", {}),
        ("4+3", "2019-12-12T12:49:06.163000Z", "utc", "ERROR", "the service did not start", {}),
    ],
    "W10-event-log.log": [
        ("1+1", "2026-05-04T03:12:20.123456Z", "utc", "INFO", "Plugin (name: Microsoft.Compute.CustomScriptExte", {}),
        ("2+3", "2026-05-04T03:12:25.500000Z", "utc", "ERROR", "Exception processing extension Microsoft.Compute", {}),
        ("5+1", "2026-05-04T03:12:26Z", "utc", "ERROR", "The Windows Azure Guest Agent service terminated", {}),
        ("6+1", "2026-05-04T03:12:27Z", "utc", "ERROR", "Application: WindowsAzureGuestAgent.exe", {}),
    ],
    "mixed-waagent.log": [
        ("1+1", "2020-06-01T03:30:00.500000Z", "zone", "INFO", "Agent WALinuxAgent-2.2.45 is running as the prov", {}),
        ("2+1", "2020-06-01T07:00:01Z", "utc", "INFO", "Agent WALinuxAgent-2.9.1.1 is running as the goa", {}),
        ("3+9", "2020-06-01T07:00:05.250000Z", "utc", "ERROR", "[ExtensionOperationError] Non-zero exit code: 4,", {"extension": "Contoso.Mix", "operation": "Enable"}),
        ("12+1", "2020-06-01T03:30:06.750000Z", "zone", "WARNING", "the daemon speaks local time again", {}),
    ],
    "generic-CommandExecution.log": [
        ("1+1", "2022-03-08T06:41:47.881000Z", "utc", "", "Executing: C:\\Packages\\Plugins\\Contoso.Guard\\1.9", {}),
        ("2+2", "2022-03-08T06:41:48.002000Z", "utc", "ERROR", "[ERROR] exited with 1", {}),
    ],
    "generic-iso.log": [
        ("1+1", "2021-01-12T11:05:45.123000Z", "zone", "WARNING", "- handler.py[WARNING]: no zone, comma", {}),
        ("2+1", "2021-01-12T11:05:45Z", "offset", "ERROR", "[error]: an offset without a colon", {}),
        ("3+1", "2021-01-12T16:35:45Z", "utc", "INFO", "INFO the zone by name", {}),
        ("4+1", "2021-01-12T11:35:45.123456Z", "offset", "", "nine digits, hours alone", {}),
        ("5+1", "2021-01-12T16:35:45.500000Z", "utc", "ERROR", "{\"time\":\" \",\"level\":\"error\",\"msg\":\"JSON\"}", {}),
        ("6+2", "2021-01-12T16:35:46Z", "utc", "DEBUG", "DEBUG blanks alone before the stamp", {}),
        ("8+1", "2021-01-12T11:05:47.250000Z", "zone", "", "there was no error here", {}),
        ("9+1", "2021-01-12T11:05:48Z", "zone", "", "-2000 is no offset", {}),
    ],
    "generic-us.log": [
        ("1+1", "2021-01-12T11:05:45Z", "zone", "WARNING", "WARN the key vault answers slowly", {}),
        ("2+1", "2021-01-11T18:30:00Z", "zone", "ERROR", "Error: midnight", {}),
        ("3+1", "2022-07-04T07:32:03Z", "zone", "INFO", "info set", {}),
        ("4+2", "2021-01-12T11:05:45.123000Z", "zone", "DEBUG", "1234 Verbose pid before the stamp", {}),
    ],
}  # fmt: skip


def test_every_sample_is_in_the_tables():
    assert {file.name for file in LOGS.iterdir()} == set(FORMS) == set(ROWS)


@pytest.mark.parametrize("name", FORMS)
def test_the_form_of_a_file_is_found_without_a_word_on_it(name: str):
    told, found = FORMS[name]
    assert {record.format for record in records(sample(name))} == {found}
    if told != "auto":
        assert {record.format for record in records(sample(name), told)} == {OLD.get(name, told)}


@pytest.mark.parametrize("name", ROWS)
def test_the_records_of_a_file(name: str):
    text = sample(name)
    found = records(text, FORMS[name][0], ZONE, modified=MODIFIED)
    assert [_row(record, len(row[4])) for record, row in zip(found, ROWS[name], strict=True)] == ROWS[name]
    assert [line for record in found for line in record.raw] == text.split("\n")


def _row(record: Record, length: int) -> Row:
    told = {key: getattr(record, key) for key in ("extension", "version", "name", "operation", "sequence")}
    return (
        f"{record.line}+{len(record.raw)}",
        iso(record.time),
        record.basis,
        record.level,
        record.message[:length],
        {key: value for key, value in told.items() if value is not None},
    )


#: file, number of the record, what its message must hold as a whole
WHOLE = [
    ("L1-waagent.log", 3, "\n2026/01/20 10:08:02 [Contoso.Backup.Agent-4.2.11] reading the configuration\ntime=2026-01-20T10:08:02+08:00 "),
    ("L1-waagent.log", 3, "\n2026-01-20T02:08:02.390001Z INFO ExtHandler ExtHandler a line that the script read from another log\n\n[stderr]\n+ test"),
    ("L1-waagent.log", 4, "\n2026-01-20T02:08:14.000001Z ERROR ExtHandler ExtHandler Event: name=Contoso.Other, op=Enable, message=quoted by the script, duration=12\n2026/01/20 02:08:14.500000 INFO the old form"),
    ("L1-waagent.log", 4, 'Traceback (most recent call last):\n  File "setup.py", line 88, in install\n    run('),
    ("L1-waagent.log", 4, "panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:31 +0x1d"),
    ("L1-CommandExecution.log", 1, "\n[2026-02-03 11:20:01] fetching site list\n[2026-02-03 11:20:04] 12 sites, 0 errors\n2026-02-03T11:20:03.000000Z INFO"),
    ("L2-waagent.log", 3, "start\nfetching 10%\nfetching 55%\nfetching 100%\nCaused by"),
    ("L3-waagent-packed.log", 0, "exit code: 9, bin/probe install\n[stdout]\nchecking the disk\n[stderr]\nno room on /var"),
    ("L3-waagent-packed.log", 1, "[ExtensionError] Timeout(900): bin/probe update step000 step919 step838 step757"),
    ("L3-waagent-packed.log", 2, "[ExtensionError] Timeout(900): bin/probe update step000 "),
    ("L4-extension.log", 3, 'Traceback (most recent call last):\n File "diagnose.py", line 210, in enable\n   start()\nOSError: [Errno 28] No space left'),
    ("L5-vmbackup.log", 2, '\nTraceback (most recent call last):\n  File "freezer.py", line 9, in thaw\nValueError: no such mount\n2021-11-23 08:17:46.000001 local time'),
    ("L6-handler.log", 3, 'exit status=17\n[stdout]\n2023-10-23T11:00:27Z INFO inner\n[stderr]\nred "quoted"'),
    ("L6-handler.log", 6, "\n\ngoroutine 1 [running]:\nmain.enable(0xc000014080, {0x0, 0x0})\n\t/go/src/handler/cmds.go:88 +0x5d\nexit status 2\ngoroutine 7 [select]:\nmain.watch()"),
    ("L8-go-platform.log", 1, "1603\ngoroutine 1 [running]:\nruntime/debug.Stack()\n\t/usr/lib/go"),
    ("L9-cluster-provision.log", 2, "443\nnc: connect to node-registry.example port 443 (tcp) failed: timed out\n2026-03-02T04:05:06Z a stamp that a tool printed"),
    ("W1-WaAppAgent.log", 2, "time\n   at Contoso.Agent.Wait(TimeSpan limit)\nat Contoso.Agent.Run()\nContoso.Agent.Main"),
    ("W3-handler.log", 1, '{\n  "commandToExecute": "powershell -File x.ps1",\n  "timestamp": "03/04/2021 20:49:00"\n}'),
    ("W5-dsc.log", 1, "because the resource [xFarm]Node01 was not reached by the others."),
    ("W5-dsc.log", 2, "Downloading https://storage.example/packages/configurations/of/the/whole/farm/and/its/nodes/farm.zip"),
    ("W8-CustomDataSetupScript.log", 1, "+   New-Item -Path $target\n"),
    ("W9-VmAgentInstaller.xml", 1, "version 2.7 <new> & ready"),
    ("W9-VmAgentInstaller.xml", 2, "the service did not start\nwithin its time"),
    ("W10-event-log.log", 1, "CustomScriptExtension\nSystem.Exception: boom\nExtension Processing reported"),
    ("mixed-waagent.log", 2, "\n2020/06/01 09:00:03 [Contoso.Mix-1.1] Enable,failed,4,no licence\n2020/06/01 09:00:03 ERROR:no licence\ntime=2020-06-01T09:00:04+02:00 "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number", "part"), WHOLE)
def test_what_stands_in_a_message_of_several_lines(name: str, number: int, part: str):
    assert part in records(sample(name), FORMS[name][0])[number].message


#: file, number of the record, fields
FIELDS = [
    ("L1-waagent.log", 4, {"thread": "ExtHandler", "name": "Contoso.Backup.Agent", "op": "Install"}),
    ("L1-waagent.log", 6, {"thread": "MonitorHandler"}),
    ("L2-waagent.log", 2, {}),
    ("L3-waagent-packed.log", 3, {"name": "Contoso.Probe", "op": "Enable", "encoded": "zlib"}),
    ("L3-waagent-packed.log", 4, {"name": "Contoso.Probe", "op": "Enable"}),
    ("L7-apphealth.log", 3, {"level": "DEBUG", "version": "2.0.13", "pid": "4410", "operation": "enable", "seq": "1", "event": "heartbeat"}),
    ("W1-WaAppAgent.log", 0, {"thread": "00000006"}),
    ("W3-handler.log", 0, {"thread": "4892+00000001"}),
    ("W6-wad.log", 2, {"program": "DiagnosticsPlugin.exe"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number", "fields"), FIELDS)
def test_what_else_a_head_tells(name: str, number: int, fields: dict[str, str]):
    assert records(sample(name), FORMS[name][0])[number].fields == fields


@pytest.mark.parametrize("name", FORMATS)
def test_the_quick_stamp_is_the_heads(name: str):
    format_ = FORMATS[name]
    for file in sorted(LOGS.iterdir()):
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            head = format_.head(line)
            assert format_.stamp(line) == (head.stamp if head is not None else None), line
