"""Stories: what happens on a machine, and the incidents that come of it. One failure is one incident, however many
files tell it and however late."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from collector.watch.bursts import Bursts
from collector.watch.notices import history
from tests.watch.instance import AGENT_LOG, AMA, CSE, RUN, START, Instance

EXIT = "failed to execute command: command terminated with exit status=100"
TERMINAL = "All extensions in the goal state have reached a terminal state: [('{}', 'error')]"
Story = Callable[[Instance], None]
STORIES: dict[str, tuple[Story, list[tuple[str, str]]]] = {}


def tells(*expected: tuple[str, str]) -> Callable[[Story], Story]:
    def add(story: Story) -> Story:
        STORIES[story.__name__] = story, list(expected)
        return story

    return add


def script_runs(it: Instance, sequence: int = 3) -> None:
    """Custom Script up to its script: the agent starts the handler, which forks."""
    it.agent(f"Update settings file: {sequence}.settings", CSE)
    it.agent("Enable extension: [bin/custom-script-shim enable]", CSE)
    it.agent("Executing command: /var/lib/waagent/X-1.0/bin/custom-script-shim enable with environment: {}", CSE)
    it.status("transitioning", "Enable in progress", sequence)
    it.passes(1)
    it.agent("Command: bin/custom-script-shim enable\n[stdout]\nok\n[stderr]\n", CSE)
    it.handler("executing command", sequence)


def script_fails(it: Instance, sequence: int = 3) -> None:
    it.handler("failed to execute command", sequence, error="null")
    it.handler("failed to handle", sequence, error=EXIT)
    it.passes(0.2)
    it.status("error", f"{EXIT}\n[stdout]\n\n[stderr]\nE: Unable to locate package x\n", sequence, back=0.2)


@tells(("failure", "CustomScript"))
def a_script_fails_and_four_files_tell_it(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    script_fails(it)
    it.passes(20)
    it.agent(TERMINAL.format(CSE))
    it.passes(40)
    it.agent(f"Extension status: [('{CSE}', 'error')]")
    it.passes(600)


@tells(("failure", "CustomScript"))
def the_status_file_is_written_late(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    it.handler("failed to handle", error=EXIT)
    it.passes(15)
    it.status("error", EXIT, back=14)
    it.passes(60)


@tells(("failure", "CustomScript"))
def the_agent_reports_a_minute_later_as_an_error(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    script_fails(it)
    it.passes(60)
    it.event("[ExtensionOperationError] the extension reported an error", CSE, "ExtensionProcessing")
    it.passes(60)


@tells(("failure", "CustomScript"))
def only_the_status_file_tells(it: Instance) -> None:
    it.status("transitioning", "Enable in progress")
    it.passes(30)
    it.status("error", EXIT)
    it.passes(60)
    it.status("error", EXIT, back=60)  # the same again, in a new file
    it.passes(60)


@tells(("failure", "CustomScript"), ("failure", "CustomScript"))
def another_sequence_number_fails(it: Instance) -> None:
    for sequence in (3, 4):
        script_runs(it, sequence)
        it.passes(30)
        script_fails(it, sequence)
        it.passes(60)


@tells(("failure", "CustomScript"), ("failure", "CustomScript"))
def the_same_number_is_run_again_and_fails_again(it: Instance) -> None:
    for _ in range(2):
        script_runs(it)
        it.passes(30)
        script_fails(it)
        it.passes(60)


@tells(("failure", "CustomScript"))
def it_is_run_again_and_succeeds(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    script_fails(it)
    it.passes(60)
    script_runs(it)
    it.passes(30)
    it.handler("executed command")
    it.handler("enabled")
    it.status("success", "Enable succeeded")
    it.passes(7_200)


@tells(("failure", "CustomScript"), ("failure", "CustomScript"))
def what_had_become_well_fails_again(it: Instance) -> None:
    for _ in range(2):
        it.status("error", EXIT)
        it.passes(60)
        it.status("success", "well")
        it.passes(60)


@tells(("failure", "AzureMonitorLinuxAgent"))
def an_installation_fails_without_any_number(it: Instance) -> None:
    it.agent("Install extension [./shim.sh -install]", AMA)
    it.agent("Executing command: /var/lib/waagent/X-1.0/./shim.sh -install with environment variables: {}", AMA)
    it.passes(20)
    it.event(
        "[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install\n[stdout]\n\n[stderr]\n", AMA, "Install"
    )
    it.handler_status("NotReady", 1007, "[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh", AMA)
    it.passes(0.5)
    it.status("error", "[ExtensionOperationError] Non-zero exit code: 56", 0, AMA)
    it.agent("ProcessExtensionsGoalState completed [incarnation_2 8800 ms]")
    it.agent(f"Extension status: [('{AMA}', 'NotReady')]")
    it.passes(300)


@tells(("failure", "AzureMonitorLinuxAgent"), ("failure", "AzureMonitorLinuxAgent"))
def the_next_goal_state_installs_again(it: Instance) -> None:
    for _ in range(2):
        it.agent("Install extension [./shim.sh -install]", AMA)
        it.passes(20)
        it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install", AMA, "Install")
        it.handler_status("NotReady", 1007, "[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh", AMA)
        it.passes(300)


@tells(("failure", "CustomScript AzureMonitorLinuxAgent"))
def two_that_fail_at_once_are_one_incident(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    script_fails(it)
    it.passes(1)
    it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -enable", AMA)
    it.passes(60)


@tells(("failure", "CustomScript"), ("failure", "AzureMonitorLinuxAgent"))
def two_that_fail_one_after_another_are_two(it: Instance) -> None:
    script_runs(it)
    it.passes(30)
    script_fails(it)
    it.passes(20)
    it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -enable", AMA)
    it.passes(60)


@tells(("failure", "RunCommandHandlerLinux"))
def one_of_several_configurations_fails_and_the_agent_names_it_as_a_type(it: Instance) -> None:
    it.status("success", "well", 0, RUN, "first")
    it.status("transitioning", "", 2, RUN, "second")
    it.passes(10)
    it.status("error", "exit status=3", 2, RUN, "second")
    it.passes(10)
    it.event("[ExtensionOperationError] Non-zero exit code: 3, bin/run enable", f"{RUN}.second")
    it.passes(10)
    it.event("[ExtensionOperationError] Non-zero exit code: 3, bin/run enable", RUN)
    it.passes(60)


@tells(("failure", "RunCommandHandlerLinux"))
def a_handler_fails_for_all_its_configurations(it: Instance) -> None:
    it.event("[ExtensionOperationError] Non-zero exit code: 52, bin/run install", RUN, "Install")
    it.passes(10)
    it.status("error", "Non-zero exit code: 52", 0, RUN, "first")
    it.status("error", "Non-zero exit code: 52", 0, RUN, "second")
    it.passes(60)


@tells(("hang", "CustomScript"))
def a_script_hangs_for_ninety_minutes(it: Instance) -> None:
    script_runs(it)
    it.passes(5_390, step=10)
    assert it.incidents == []
    it.passes(30)
    (incident,) = it.incidents
    assert incident.start < START + timedelta(seconds=2) < incident.end
    assert "5400" in incident.title
    it.passes(7_200, step=10)


@tells(("hang", "AzureMonitorLinuxAgent"))
def the_agent_kills_what_hangs(it: Instance) -> None:
    it.agent("Enable extension: [./shim.sh -enable]", AMA)
    it.agent("Executing command: /var/lib/waagent/X-1.0/./shim.sh -enable with environment variables: {}", AMA)
    it.passes(299)
    assert it.incidents == []
    it.passes(7)
    it.event("[ExtensionError] Timeout(300): ./shim.sh -enable\n[stdout]\nwaiting\n[stderr]\n", AMA)
    it.handler_status("NotReady", 1009, "[ExtensionError] Timeout(300): ./shim.sh -enable", AMA)
    it.passes(2)
    it.status("error", "[ExtensionError] Timeout(300): ./shim.sh", 0, AMA)
    it.passes(300)


@tells(("hang", "AzureMonitorLinuxAgent"))
def what_goes_on_in_the_background_has_the_platforms_limit(it: Instance) -> None:
    it.agent("Enable extension: [./shim.sh -enable]", AMA)
    it.status("transitioning", "", 0, AMA)
    it.passes(2)
    it.agent("Command: ./shim.sh -enable\n[stdout]\n[stderr]\n", AMA)
    it.passes(1_190, step=10)
    assert it.incidents == []
    it.passes(60)


@tells(("hang", "CustomScript"), ("failure", "CustomScript"))
def what_hung_ends_by_itself_with_an_error(it: Instance) -> None:
    script_runs(it)
    it.passes(5_700, step=10)
    script_fails(it)
    it.passes(100)
    it.agent(TERMINAL.format(CSE))
    it.event("[ExtensionOperationError] the extension reported an error", CSE, "ExtensionProcessing")
    it.passes(100)


@tells(("hang", "RunCommandHandlerLinux"))
def a_managed_command_is_no_longer_written_about(it: Instance) -> None:
    for _ in range(20):
        it.status("transitioning", "{}", 0, RUN, "long")
        it.passes(15)
    assert it.incidents == []
    it.passes(200)


@tells()
def a_managed_command_runs_for_an_hour(it: Instance) -> None:
    for _ in range(240):
        it.status("transitioning", "{}", 0, RUN, "long")
        it.passes(15, step=5)
    it.status("success", "done", 0, RUN, "long")
    it.passes(7_200, step=60)


@tells()
def an_old_agent_tells_no_ends(it: Instance) -> None:
    it.agent("Enable extension [bin/x enable]", CSE)
    it.passes(5)
    it.status("success", "Enable succeeded", 3)
    it.passes(60)
    it.agent("Enable extension [bin/x enable]", CSE)
    it.passes(7_200, step=60)


@tells()
def a_handler_is_disabled_and_updated(it: Instance) -> None:
    it.agent("Disable extension: [bin/x disable]", CSE)
    it.handler_status("NotReady", 0, "Plugin disabled")
    it.agent("Command: bin/x disable\n[stdout]\n[stderr]\n", CSE)
    it.agent("Update extension: [bin/x update]", CSE)
    it.agent("Command: bin/x update\n[stdout]\n[stderr]\n", CSE)
    it.handler_status("Ready", 0, "Plugin enabled")
    it.passes(7_200, step=60)


@tells()
def the_agent_waits_for_a_status_as_it_always_does(it: Instance) -> None:
    it.agent(
        f"[PERIODIC] This status is being reported by the Guest Agent since no status file was reported by extension "
        f"{CSE}: [ExtensionStatusError] Status file x does not exist"
    )
    it.passes(60)


@tells()
def the_agents_other_log_is_read_later(it: Instance) -> None:
    start = "Executing command: /var/lib/waagent/X-1.0/./shim.sh -enable with environment variables: {}"
    begun = it.stamp()
    it.agent(start, AMA)
    it.passes(1)
    it.agent("Command: ./shim.sh -enable\n[stdout]\n[stderr]\n", AMA)
    it.passes(2)
    it.log(f"var/log/azure/{AMA}/CommandExecution.log", f"{begun} INFO ExtHandler [{AMA}-1.0.0] {start}\n", AMA)
    it.passes(600)


@tells()
def a_run_command_carries_vmext(it: Instance) -> None:
    it.status("transitioning", "", 0, RUN, "carrier")
    it.log(
        f"var/log/azure/{RUN}/handler.log",
        f'time={it.stamp()} version=v1 operation=enable seq=0 event="failed to handle" error="{EXIT}"\n',
        RUN,
    )
    it.passes(1.2)
    it.status("error", "exit status=10\n[stdout]\nVMEXT FAILED  x\n[stderr]\n", 0, RUN, "carrier")
    it.passes(60)


@tells()
def a_script_that_runs_vmext_prints_no_verdict(it: Instance) -> None:
    it.scripts = {(RUN, None, 4): True}
    it.handler("executing command", 4, RUN)
    it.passes(10)
    it.handler("failed to handle", 4, RUN, error="command terminated with exit status=10")
    it.passes(30)
    it.status("error", "exit status=10", 4, RUN)
    it.passes(7_200, step=60)


@tells(("agent", "WALinuxAgent"))
def the_agent_can_not_start(it: Instance) -> None:
    for _ in range(3):
        it.agent("Agent WALinuxAgent-2.9.1.1 restarted more than 3 times in 300 seconds", level="ERROR")
        it.passes(30)


@tells(("agent", "WALinuxAgent"), ("agent", "WALinuxAgent"))
def the_agent_recovers_and_fails_again(it: Instance) -> None:
    for _ in range(2):
        it.agent("Agent WALinuxAgent-2.9.1.1 restarted more than 3 times in 300 seconds", level="ERROR")
        it.passes(60)
        it.agent("ProcessExtensionsGoalState completed [incarnation_2 8800 ms]")
        it.passes(60)


@tells(("agent", "WALinuxAgent"))
def the_agent_says_every_six_hours_that_it_gets_no_goal_state(it: Instance) -> None:
    for _ in range(4):
        it.agent("Fetching the goal state is still failing: [ProtocolError] Error fetching goal state", level="ERROR")
        it.passes(21_600, step=3_600)


@tells(("failure", "AzureMonitorLinuxAgent"), ("failure", "AzureMonitorLinuxAgent"))
def what_has_no_number_and_no_start_fails_again_after_hours(it: Instance) -> None:
    for _ in range(2):
        it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install", AMA, "Install")
        it.passes(60)
        it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install", AMA, "Install")
        it.passes(10_800, step=1_200)


@tells(("burst", ""))
def errors_come_in_a_burst(it: Instance) -> None:
    it.bursts = Bursts(most=20, seconds=60)
    it.begin_to_watch()
    for _ in range(200):
        it.log("var/log/azure/other/other.log", f"{it.stamp()} ERROR no connection to the server\n")
        it.passes(1)


@tells(("failure", "CustomScript"))
def what_failed_stood_before_anyone_watched(it: Instance) -> None:
    it.status("error", EXIT, back=86_400 * 30)
    it.handler_status("Ready", 0, "Plugin enabled")
    it.passes(60)


@tells(("hang", "CustomScript"))
def what_hangs_began_before_anyone_watched(it: Instance) -> None:
    it.status("transitioning", "Enable in progress", back=5_000)
    it.passes(390)
    assert it.incidents == []
    it.passes(60)


@tells(("hang", "AzureMonitorLinuxAgent"))
def what_the_agent_waits_for_began_before_anyone_watched(it: Instance) -> None:
    it.agent("Enable extension: [./shim.sh -enable]", AMA)
    it.passes(100)
    seen = list(history(it.sources[AGENT_LOG], timezone.utc))
    it.begin_to_watch()
    it.judge.remember(seen, it.now)
    it.passes(190)
    assert it.incidents == []
    it.passes(60)


@tells()
def what_failed_in_the_logs_before_anyone_watched_is_history(it: Instance) -> None:
    it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install", AMA, "Install")
    it.agent("Command: x\n[stdout]\n[stderr]\n", AMA)
    seen = list(history(it.sources[AGENT_LOG], timezone.utc))
    assert seen
    it.begin_to_watch()
    it.judge.remember(seen, it.now)
    it.passes(60)


@tells(("failure", "CustomScript"))
def an_extension_that_was_removed_comes_back_with_lower_numbers(it: Instance) -> None:
    script_runs(it, 7)
    it.passes(30)
    it.handler("executed command", 7)
    it.status("success", "Enable succeeded", 7)
    it.passes(600)
    script_runs(it, 0)
    it.passes(30)
    script_fails(it, 0)
    it.passes(60)


@tells(("failure", "CustomScript"))
def an_update_copies_the_status_of_the_version_before(it: Instance) -> None:
    it.status("error", EXIT)
    stamp = it.now
    it.passes(60)
    it.status("error", EXIT, version="1.1.0", back=(it.now - stamp).total_seconds())
    it.passes(60)


@tells(("failure", "AzureMonitorLinuxAgent"))
def one_waits_for_another_that_failed(it: Instance) -> None:
    it.agent("Install extension [./shim.sh -install]", AMA)
    it.passes(10)
    it.event("[ExtensionOperationError] Non-zero exit code: 56, ./shim.sh -install", AMA, "Install")
    it.passes(10)
    it.event(f"Dependent Extension {AMA} did not succeed. Status was error", CSE, "ExtensionProcessing")
    it.status("error", f"Dependent Extension {AMA} did not succeed. Status was error", 0, CSE)
    it.agent(f"Dependent extension {AMA} failed or timed out, will skip processing the rest of the extensions")
    it.passes(60)


@tells(("failure", "CustomScript"))
def errors_burst_beside_a_failure(it: Instance) -> None:
    it.bursts = Bursts(most=20, seconds=60)
    it.begin_to_watch()
    script_runs(it)
    it.passes(10)
    script_fails(it)
    for _ in range(60):
        it.handler("still failed to do it", level="error", error="no")
        it.passes(1)


@tells(("failure", "CustomScript"))
def lines_that_no_zone_is_known_of(it: Instance) -> None:
    """A handler of Windows writes local times."""
    path = "WindowsAzure/Logs/Plugins/x/handler.log"
    for message in ("Command execution task started. Awaiting completion...", "Command exited with code: 1"):
        text = f"Command execution finished. {message}" if "code" in message else message
        it.log(path, f"[4892+00000001] [05/03/2026 20:12:58.30] [INFO] {text}\n", CSE, zone=None)
        it.passes(30)
    it.status("error", "Command execution finished, but failed because it returned a non-zero exit code of: '1'.")
    it.passes(60)


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, tmp_path: Path):
    story, expected = STORIES[name]
    it = Instance(tmp_path)
    story(it)
    assert it.told() == expected, [incident.title for incident in it.incidents]


@pytest.mark.parametrize("name", STORIES)
def test_a_restart_in_the_middle_repeats_nothing(name: str, tmp_path: Path):
    """The story, with a new process before each moment at which something happens."""
    story, expected = STORIES[name]
    it = Instance(tmp_path)
    passes = it.passes

    def restarted(seconds: float, step: float = 0.5) -> Instance:
        it.begin_to_watch(it.left())
        it.look()
        return passes(seconds, step)

    it.passes = restarted  # type: ignore[method-assign]
    story(it)
    if name == "errors_come_in_a_burst":
        return  # the counts begin anew with each process
    assert it.told() == expected, [incident.title for incident in it.incidents]


@pytest.mark.parametrize(
    "state",
    [
        {"runs": 3, "operations": "x"},
        {"runs": {"count": "x", "runs": [3, {}, {"number": 1}], "sequences": [[1]], "names": 4}},
        {"operations": {"open": [3, {}, {"run": 7}, {"run": [], "since": 3}], "tells_ends": 3}},
        {"operations": {"ended": [3, [1], [1, "x", 2], ["a", "agent", "b"], [1, "agent", "yesterday"]]}},
    ],
)
def test_a_state_that_makes_no_sense_is_left_out(state: dict[str, object], tmp_path: Path):
    it = Instance(tmp_path)
    it.judge.load(state)
    only_the_status_file_tells(it)
    assert it.told() == [("failure", "CustomScript")]


def test_the_memory_is_bounded(tmp_path: Path):
    it = Instance(tmp_path)
    for number in range(1_000):
        it.handler("executing command", number)
        it.handler("executing command", 1, extension=f"Acme.Apps{number}")
    assert len(json.dumps(it.left()["judge"])) < 1_000_000
