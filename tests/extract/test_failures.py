"""Stories: what a set of lines and state files comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from collector.extract.carriers import carriers_of
from collector.extract.failures import failures_of, states_of
from collector.extract.states import of_handler_status, of_status
from collector.extract.telling import Output, error_score
from collector.extract.zones import settle, settled
from collector.model import Line, Substatus
from tests.extract.stories import AMA, CSE, RUN, agent, at, context, handler, handler_status, joined, status

EXIT = "failed to handle: failed to execute command: command terminated with exit status=100"
TERMINAL = "All extensions in the goal state have reached a terminal state: [('{}', '{}')]"


def event(seconds, text, extension=AMA, op="Install"):
    return agent(seconds, f"Event: name={extension}, op={op}, message={text}", level="ERROR")


def test_one_failure_told_by_four_files_is_one():
    outputs = {
        (CSE, None, 3): (
            Output("d/3/stderr", "stderr", (Line(1, "reading"), Line(2, "E: Unable to locate package x"))),
        )
    }
    signals = joined(
        agent(0, "Update settings file: 3.settings", extension=CSE),
        handler(13, EXIT, level="ERROR"),
        of_status(status(13, "error", f"{EXIT}\n[stdout]\n\n[stderr]\nE: Unable to locate package x\n", code=2)),
        agent(14, TERMINAL.format(CSE, "error")),
    )
    (failure,) = failures_of(signals, context(outputs=outputs))
    assert (failure.kind, failure.extension, failure.sequence, failure.exit_code) == ("failure", CSE, 3, 100)
    assert failure.message == "E: Unable to locate package x"
    assert (failure.first_time, failure.last_time, failure.count) == (at(13), at(14), 1)
    assert {evidence.path.rsplit("/", 1)[-1] for evidence in failure.evidence} == {
        "stderr",
        "handler.log",
        "3.status",
        "waagent.log",
    }


def test_the_status_files_code_is_no_exit_code():
    (failure,) = failures_of(of_status(status(0, "error", "no code in words", code=2)), context())
    assert (failure.exit_code, failure.status_code) == (None, 2)


def test_the_code_of_a_command_inside_a_handler_is_not_the_handlers():
    signals = joined(
        handler(0, "CalledProcessError.  Error Code is 2", level="ERROR", extension=AMA),
        event(5, "[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install"),
    )
    (failure,) = failures_of(signals, context())
    assert failure.exit_code == 56
    assert failure.first_time == at(0)


def test_a_managed_run_command_that_says_success_failed():
    execution = {
        "executionState": "Failed",
        "exitCode": 32,
        "error": "mount: /d: mount point does not exist.\n",
        "output": "",
    }
    signals = of_status(status(0, "success", "{}", extension=RUN, name="MountData", sequence=0, execution=execution))
    signals += agent(2, TERMINAL.format("MountData", "success"))
    (failure,) = failures_of(joined(signals), context())
    assert (failure.name, failure.exit_code, failure.message) == (
        "MountData",
        32,
        "mount: /d: mount point does not exist.",
    )


def test_repeats_are_counted_and_those_after_collecting_apart():
    failing = "[ExtensionOperationError] Non-zero exit code: 1, x.sh enable"
    goals = (at(0), at(1000), at(2000))
    carrier_status = status(2010, "transitioning", "", extension=RUN, name="Collect", sequence=1)
    signals = joined(
        agent(0, "Update settings file: 0.settings", extension=AMA),
        event(10, failing, op="Enable"),
        event(1010, failing, op="Enable"),
        of_status(carrier_status),
        event(2020, failing, op="Enable"),
    )
    carriers = carriers_of(signals, {(RUN, "Collect", 1): "#!/bin/sh\nvmext collect --upload x\n"}, None, goals)
    (failure,) = failures_of(signals, context(goals=goals, carriers=carriers))
    assert (failure.extension, failure.count, failure.repeats_after_collect) == (AMA, 2, 1)
    assert (failure.first_time, failure.last_time) == (at(10), at(1010))


def test_the_run_command_that_carried_an_earlier_verdict_never_counts():
    execution = {
        "executionState": "Failed",
        "exitCode": 10,
        "output": "VMEXT FAILED CustomScript exit 100: x\n",
        "error": "",
    }
    signals = of_status(status(0, "success", "", extension=RUN, name="c", sequence=0, execution=execution))
    carriers = carriers_of(signals, {}, None, ())
    assert failures_of(signals, context(carriers=carriers)) == ()


def test_another_run_command_that_failed_with_the_same_code_counts():
    execution = {"executionState": "Failed", "exitCode": 10, "output": "grep vmext in a log\n", "error": ""}
    signals = of_status(status(0, "success", "", extension=RUN, name="c", sequence=0, execution=execution))
    assert carriers_of(signals, {(RUN, "c", 0): "ls /opt/vmext-data"}, None, ()) == ()
    assert len(failures_of(signals, context())) == 1


def test_a_failure_that_a_later_success_overcame_is_only_a_warning():
    signals = joined(
        agent(0, "Update settings file: 3.settings", extension=CSE),
        event(5, "[ExtensionOperationError] Non-zero exit code: 3, x enable", extension=CSE, op="Enable"),
        of_status(status(600, "success", "done")),
    )
    assert [failure.kind for failure in failures_of(signals, context())] == ["warning"]


def test_the_success_line_after_a_failed_update_changes_nothing():
    signals = joined(
        event(5, "[ExtensionUpdateError] Non-zero exit code: 1, handler.sh disable", op="Update"),
        agent(6, "Event: name=" + AMA + ", op=Update, message=Launch command succeeded: x.sh update, duration=3"),
        agent(7, TERMINAL.format(AMA, "success")),
    )
    (failure,) = failures_of(signals, context(goals=(at(0),)))
    assert (failure.kind, failure.operation, failure.exit_code) == ("failure", "Update", 1)


def test_an_operation_that_never_ended_hangs_since_its_start():
    signals = joined(
        handler(20, "executing command"),
        of_status(status(19, "transitioning", "Enable in progress")),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.kind, failure.limit_seconds) == ("hang", 5400)
    assert failure.hang_since == at(19) or failure.hang_since == at(20)


def test_on_a_live_instance_a_young_transition_is_work_in_progress():
    signals = of_status(status(0, "transitioning", "Enable in progress"))
    assert failures_of(signals, context(live=True, now=at(100))) == ()
    assert [failure.kind for failure in failures_of(signals, context(live=True, now=at(400)))] == ["hang"]


def test_a_timeout_of_the_agent_is_a_hang_since_the_command_began():
    signals = joined(
        agent(0, "Enable extension [bin/setup.sh enable]", extension=AMA),
        event(301, "[ExtensionError] Timeout(300): bin/setup.sh enable", op="Enable"),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.kind, failure.hang_since, failure.limit_seconds) == ("hang", at(0), 300)
    assert failure.first_time == failure.last_time == at(301)


def test_what_only_follows_names_its_cause():
    text = f"Dependent Extension {CSE} did not succeed. Status was error"
    signals = joined(
        of_status(status(0, "error", EXIT)),
        of_handler_status(handler_status("NotReady", text, extension=AMA, code=-1)),
    )
    failures = {failure.extension: failure for failure in failures_of(signals, context())}
    assert failures[CSE].caused_by is None
    assert (failures[AMA].kind, failures[AMA].caused_by) == ("warning", CSE)


def test_errors_in_a_log_of_an_extension_that_succeeded_are_no_failure():
    signals = joined(
        handler(0, "could not reach x, will retry", level="ERROR"),
        of_status(status(60, "success", "ok")),
        agent(61, TERMINAL.format(CSE, "success")),
    )
    assert failures_of(signals, context()) == ()
    assert [(state.extension, state.state) for state in states_of(signals, (), ())] == [(CSE, "success")]


def test_errors_in_a_log_count_where_nothing_says_how_the_run_ended():
    (failure,) = failures_of(handler(0, "License key is invalid", level="ERROR", extension="Acme.App"), context())
    assert (failure.kind, failure.message) == ("failure", "License key is invalid")


def test_a_name_alone_in_the_agents_summary_is_the_configuration():
    signals = joined(
        of_status(status(0, "error", EXIT, extension=RUN, name="MountData", sequence=0)),
        agent(2, TERMINAL.format("MountData", "error")),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.extension, failure.name, failure.last_time) == (RUN, "MountData", at(2))


def test_a_local_stamp_is_settled_by_the_status_of_the_same_run():
    local = at(13).replace(tzinfo=None) + timedelta(hours=5, minutes=30, seconds=1)
    signals = [*handler(13, EXIT, level="ERROR", time=local), *of_status(status(13, "error", EXIT))]
    offsets = settle(signals)
    assert list(offsets.values()) == [timedelta(hours=5, minutes=30)]
    assert {signal.time for signal in settled(signals, offsets)} == {at(13), at(14)}


def test_a_local_stamp_of_another_moment_stays_local():
    local = at(400).replace(tzinfo=None) + timedelta(minutes=7)
    signals = [*handler(13, EXIT, level="ERROR", time=local), *of_status(status(13, "error", EXIT))]
    assert settle(signals) == {}


def test_an_older_run_that_failed_is_a_warning_beside_the_newest():
    signals = joined(
        of_status(status(0, "error", EXIT, sequence=2)),
        of_status(status(900, "error", EXIT, sequence=3)),
    )
    assert {(failure.sequence, failure.kind) for failure in failures_of(signals, context())} == {
        (3, "failure"),
        (2, "warning"),
    }


def test_without_a_number_long_silence_parts_two_incidents():
    failing = "[ExtensionOperationError] Non-zero exit code: 1, x.sh enable"
    signals = joined(
        event(0, failing, op="Enable"), event(9_000, failing, op="Enable"), event(9_030, failing, op="Enable")
    )
    failures = sorted(failures_of(signals, context()), key=lambda failure: failure.kind)
    assert [(failure.kind, failure.count) for failure in failures] == [("failure", 2), ("warning", 1)]
    assert failures[0].first_time == at(9_000)


def test_the_agents_last_word_on_a_failed_update_is_part_of_it():
    text = "[ExtensionUpdateError] Non-zero exit code: 4, /var/lib/waagent/P.T-1.0/bin/x disable"
    signals = joined(
        agent(0, "Update settings file: 3.settings", extension=AMA),
        event(5, text, op="Update"),
        of_handler_status(handler_status("NotReady", text, extension=AMA, code=1008)),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.operation, failure.exit_code, failure.agent_code) == ("Update", 4, 1008)


def test_a_handler_that_failed_without_a_code_has_failed():
    (failure,) = failures_of(handler(0, "Enable,error,0,Enable failed: weak password", extension="P.T"), context())
    assert (failure.kind, failure.exit_code) == ("failure", None)


def test_a_handler_that_does_not_answer_hangs():
    signals = of_handler_status(handler_status("Unresponsive", "no heartbeat", extension=AMA))
    assert [failure.kind for failure in failures_of(signals, context())] == ["hang"]


def test_what_a_healthy_extension_watches_and_finds_broken_is_a_warning():
    unhealthy = (Substatus("AppHealthStatus", "error", None, "Application found to be unhealthy"),)
    signals = of_status(replace(status(0, "success", "polling"), substatus=unhealthy))
    (failure,) = failures_of(signals, context())
    assert (failure.kind, failure.message) == ("warning", "Application found to be unhealthy")


def test_an_old_version_that_was_not_ready_does_not_speak_for_the_new_one():
    old = handler_status(
        "NotReady", "[ExtensionOperationError] Non-zero exit code: 4, x enable", extension=AMA, code=1009
    )
    new = replace(handler_status("Ready", "Plugin enabled", extension=AMA), version="1.10")
    assert failures_of(joined(of_handler_status(replace(old, version="1.9")), of_handler_status(new)), context()) == ()


def test_a_status_is_quoted_for_the_error_output_that_it_holds_and_only_then():
    told = "Command execution finished, but failed because it returned a non-zero exit code of: '1'."
    assert error_score(f"{told} The command had an error output of: 'setup.ps1 : Zugriff verweigert'") > 0
    assert error_score(f"{told} The command had an error output of: ''") < 0
    assert error_score(told) < 0


def test_an_agent_that_tries_again_at_once_fails_each_time():
    signals = joined(*(event(5 * number, "[ExtensionError] Non-zero exit code: 1, x -disable") for number in range(4)))
    assert [failure.count for failure in failures_of(signals, context())] == [4]


def test_what_was_rotated_away_is_counted_with_the_rest():
    newer = event(5_000, "[ExtensionOperationError] Non-zero exit code: 1, x enable")
    older = [replace(signal, path="var/log/waagent.log.1") for signal in event(0, newer[0].detail)]
    signals = joined(agent(0, "Update settings file: 3.settings", extension=AMA), newer)
    signals += [replace(signal, sequence=3) for signal in older]
    assert [failure.count for failure in failures_of(signals, context())] == [2]


def test_an_update_that_failed_by_its_old_versions_command_is_one_failure():
    text = "Non-zero exit code: 9, /var/lib/waagent/P.T-1.0/x -disable"
    signals = joined(
        event(5, f"[ExtensionOperationError] {text}", op="Disable"),
        event(6, f"[ExtensionUpdateError] {text}", op="Update"),
    )
    (failure,) = failures_of(signals, context())
    assert failure.exit_code == 9


def test_an_extension_that_was_uninstalled_since_is_only_a_warning():
    failed = event(5, "[ExtensionOperationError] Non-zero exit code: 2, install.sh")
    removal = agent(900, "Target handler state: uninstall [incarnation_4]", extension=AMA)
    left = of_handler_status(handler_status("NotReady", "it failed", extension=AMA, code=1007))
    assert [failure.kind for failure in failures_of(joined(failed, removal), context())] == ["warning"]
    assert [failure.kind for failure in failures_of(joined(failed, removal, left), context())] == ["failure"]


def test_an_uninstall_that_fails_stands():
    signals = joined(
        agent(0, "Target handler state: uninstall", extension=AMA),
        agent(1, f"Failed to find installed version of {AMA} to uninstall", extension=AMA, level="WARNING"),
        event(2, f"Unable to find version 1.0.33.0 in manifest for extension {AMA}", op="Download"),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.kind, failure.operation, failure.version) == ("failure", "Uninstall", "1.0.33.0")


def test_an_event_has_the_version_that_the_agent_named_before():
    target = [replace(signal, version="1.2") for signal in agent(0, "Target handler state: enabled", extension=AMA)]
    signals = joined(target, event(1, "[ExtensionError] Downgrade not allowed", op="None"))
    (failure,) = failures_of(signals, context())
    assert (failure.version, failure.first_time) == ("1.2", at(1))


def test_the_old_custom_script_tells_its_outputs_in_marks_of_its_own():
    text = "Command returned an error.\n---stdout---\nbegun\n---errout---\n/bin/sh: 1: ./x.sh: not found\n"
    signals = joined(
        handler(3, f"Daemon,error,127,{text}", extension="P.T", operation=None),
        of_status(status(3, "error", text, extension="P.T", code=127)),
    )
    (failure,) = failures_of(signals, context())
    assert (failure.exit_code, failure.operation) == (127, "Enable")
    assert failure.message == "/bin/sh: 1: ./x.sh: not found"


def test_a_handler_that_ends_before_its_script_hangs_for_who_waits():
    reason = "seqnum: failed to write: open /x/seqnum: no such file or directory"
    signals = joined(handler(3, f"pre-check failed: {reason}"), of_status(status(2, "transitioning", "enabling")))
    (failure,) = failures_of(signals, context())
    assert (failure.kind, failure.message) == ("hang", f"pre-check failed: {reason}")


def test_a_sentence_names_no_operation():
    text = (
        f"Extension '{AMA}' will not be processed since extension processing is disabled. To enable extension "
        "processing, set Extensions.Enabled=y in '/etc/waagent.conf'"
    )
    (failure,) = failures_of(joined(event(0, text, op="ExtensionProcessing")), context())
    assert (failure.operation, failure.exit_code) == (None, None)


def test_what_an_old_agent_did_well_later_has_not_failed():
    failed = event(5, "[ExtensionOperationError] Non-zero exit code: 23, installer.sh install")
    done = [f"Event: name={AMA}, op={op}, message=Launch command succeeded: x" for op in ("Install", "Enable")]
    later = joined(failed, agent(600, done[0]), agent(603, done[1]))
    assert [failure.kind for failure in failures_of(later, context())] == ["warning"]
    before = joined(agent(2, done[1]), failed)
    assert [failure.kind for failure in failures_of(before, context())] == ["failure"]
    stands = joined(later, of_handler_status(handler_status("NotReady", "it failed", extension=AMA, code=1007)))
    assert [failure.kind for failure in failures_of(stands, context())] == ["failure"]


def test_an_older_version_or_a_state_that_failed_is_no_second_try_that_went_well():
    def named(seconds, version):
        target = agent(seconds, "Target handler state: enabled", extension=AMA)
        return [replace(signal, version=version) for signal in target]

    failed = event(5, "[ExtensionOperationError] Non-zero exit code: 9, x -update", op="Update")
    done = agent(603, f"Event: name={AMA}, op=Enable, message=Launch command succeeded: x")
    old, new = (joined(named(0, "1.10"), failed, named(600, version), done) for version in ("1.9", "1.11"))
    assert [failure.kind for failure in failures_of(old, context())] == ["failure"]
    assert [failure.kind for failure in failures_of(new, context())] == ["warning"]
    told = joined(failed, done, agent(605, TERMINAL.format(AMA, "error")))
    assert [failure.kind for failure in failures_of(told, context())] == ["failure"]


def test_what_the_handler_does_after_a_second_try_that_went_well_counts():
    failed = event(5, "[ExtensionOperationError] Non-zero exit code: 9, x", extension=CSE)
    done = agent(600, f"Event: name={CSE}, op=Enable, message=Launch command succeeded: x")
    again = joined(failed, done)
    hangs = joined(again, handler(601, "executing command", sequence=None))
    assert [(failure.kind, failure.hang_since) for failure in failures_of(hangs, context())] == [("hang", at(601))]
    error = joined(again, handler(601, "no such file", sequence=None, level="ERROR"))
    assert [(failure.kind, failure.last_time) for failure in failures_of(error, context())] == [("failure", at(601))]
    before = joined(handler(4, "no such file", sequence=None, level="ERROR"), again)
    assert [failure.kind for failure in failures_of(before, context())] == ["warning"]


def test_a_handler_that_gave_up_and_then_ran_its_command_does_not_hang():
    gave_up = handler(1, "pre-check failed: x", level="ERROR")
    ran = joined(handler(600, "executing command"), handler(609, "executed command"))
    assert [failure.kind for failure in failures_of(joined(gave_up, ran), context())] == ["warning"]
    only = joined(gave_up, handler(600, "this script configuration is already processed, will not run again"))
    assert [failure.kind for failure in failures_of(only, context())] == ["hang"]
    again = joined(gave_up, ran, of_status(status(2, "transitioning", "x")))
    assert [failure.kind for failure in failures_of(again, context())] == ["hang"]
