"""What the guest agent writes, from its own sources and from logs of instances; variants are drawn by chance."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

CSE = "Microsoft.Azure.Extensions.CustomScript"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
EXTENSIONS = {
    CSE: "2.1.13",
    AMA: "1.35.1",
    "Microsoft.ManagedServices.ApplicationHealthLinux": "2.0.17",
    "Microsoft.Azure.NetworkWatcher.NetworkWatcherAgentLinux": "1.4.3783.1",
    "Microsoft.Azure.ActiveDirectory.AADSSHLoginForLinux": "1.0.2890.1",
    "Microsoft.CPlat.Core.RunCommandHandlerLinux": "1.3.16",
}
AGENT = "WALinuxAgent-2.15.0.1"

#: Variants that are drawn of each message.
_VARIANTS = 400

_BLOB = "https://umsah3cwjkzq0kd4qhdv.blob.core.windows.net/7d89d439b79f4452950452399add2c90"
_RULES = """Current Firewall rules:
Chain OUTPUT (policy ACCEPT {packets} packets, {packets}K bytes)
    pkts      bytes target     prot opt in     out     source               destination
       0        0 ACCEPT     tcp  --  *      *       0.0.0.0/0            168.63.129.16        tcp dpt:53
    {few}   {packets} ACCEPT     tcp  --  *      *       0.0.0.0/0            168.63.129.16        owner UID match 0
       0        0 DROP       tcp  --  *      *       0.0.0.0/0            168.63.129.16        ctstate INVALID,NEW
"""
_ROUTES = """Routing table from /proc/net/route:
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100040A	0003	0	0	100	00000000	0	0	0
eth0	0000040A	00000000	0001	0	0	100	00FFFFFF	0	0	0
eth0	{hex}	0100040A	0007	0	0	100	FFFFFFFF	0	0	0
"""
_PACKAGES = ("nginx", "libpq-dev", "openjdk-17-jre-headless", "azure-cli", "python3-pip", "docker-ce", "chrony")


def usual(chance: Random) -> list[bytes]:
    """Records of an instance that is well, without their stamps, as often as they are written."""
    kinds: list[tuple[int, Callable[[Random], str]]] = [
        (4, _heartbeat),
        (3, _goal_state_new),
        (4, _goal_state_begin),
        (4, _goal_state_end),
        (3, _extension_status),
        (3, _terminal),
        (4, _cgroup),
        (3, _process_in_cgroup),
        (2, _env_rules),
        (1, _env_routes),
        (3, _env_lease),
        (4, _handler_state),
        (3, _settings),
        (2, _executing),
        (2, _command_output),
        (4, _telemetry_line),
        (2, _update_check),
        (2, _collect_logs),
        (1, _dhcp_warning),
        (1, _download),
    ]
    return [kind(chance).encode() + b"\n" for often, kind in kinds for _ in range(often * _VARIANTS // 4)]


def chatter(chance: Random) -> list[bytes]:
    """Records that tell of no operation, as they fill the log of whoever writes very much; one in a hundred does."""
    kinds = [_goal_state_new, _cgroup, _process_in_cgroup, _env_rules, _env_routes, _env_lease]
    kinds += [_handler_state, _telemetry_line, _update_check, _collect_logs, _dhcp_warning, _download]
    texts = [kind(chance).encode() + b"\n" for kind in kinds for _ in range(_VARIANTS)]
    return texts + chance.choices(usual(chance), k=len(texts) // 50)  # of which half tell of one


def wrong(chance: Random) -> list[bytes]:
    """Records that tell of errors: one in five has several lines."""
    kinds = [_non_zero, _download_failed, _report_failed, _http_failed, _handler_failed]
    return [kind(chance).encode() + b"\n" for kind in kinds for _ in range(_VARIANTS)]


def telemetry(chance: Random) -> dict[str, object]:
    """One telemetry event of an extension."""
    return {
        "EventLevel": chance.choice(["Informational", "Verbose", "Warning"]),
        "Message": f"HTTP request with status: Error count {chance.randrange(3)}, latency {chance.randrange(900)} ms",
        "Version": EXTENSIONS[AMA],
        "TaskName": chance.choice(["Enable", "StatusReport", "SetCert"]),
        "EventPid": str(chance.randrange(500, 9000)),
        "OperationId": guid(chance),
    }


def guid(chance: Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _one(chance: Random) -> tuple[str, str]:
    name = chance.choice(list(EXTENSIONS))
    return name, f"{name}-{EXTENSIONS[name]}"


def _heartbeat(chance: Random) -> str:
    counters = f"HeartbeatCounter: {chance.randrange(9000)};HeartbeatId: {guid(chance).upper()}"
    return (
        f"INFO ExtHandler ExtHandler [HEARTBEAT] Agent {AGENT} is running as the goal state agent "
        f"[DEBUG {counters};UpdateGSErrors: 0;AutoUpdate: 1;UpdateMode: SelfUpdate;]"
    )


def _goal_state_new(chance: Random) -> str:
    return f"INFO ExtHandler Fetched a new incarnation for the WireServer goal state [incarnation {_turn(chance)}]"


def _goal_state_begin(chance: Random) -> str:
    ids = f"activity: {guid(chance)} correlation {guid(chance)}"
    return (
        f"INFO ExtHandler ExtHandler ProcessExtensionsGoalState started [incarnation_{_turn(chance)} "
        f"channel: WireServer source: Fabric {ids} created: 2026-01-14T08:{chance.randrange(60):02d}:31.404182Z]"
    )


def _goal_state_end(chance: Random) -> str:
    took = chance.randrange(40, 4000)
    return f"INFO ExtHandler ExtHandler ProcessExtensionsGoalState completed [incarnation_{_turn(chance)} {took} ms]"


def _extension_status(chance: Random) -> str:
    return f"INFO ExtHandler ExtHandler Extension status: [{_successes(chance)}]"


def _terminal(chance: Random) -> str:
    told = "All extensions in the goal state have reached a terminal state"
    return f"INFO ExtHandler ExtHandler {told}: [{_successes(chance)}]"


def _successes(chance: Random) -> str:
    names = chance.sample(list(EXTENSIONS), chance.randrange(1, 4))
    return ", ".join(f"('{name}', 'success')" for name in names)


def _cgroup(chance: Random) -> str:
    group, used = (
        chance.choice(["azure.slice/walinuxagent.service", "azure.slice/azure-vmextensions.slice"]),
        _few(chance),
    )
    metric = chance.choice(["cpu/% Processor Time", "memory/Total Memory Usage", "memory/Max Memory Usage"])
    return f"INFO MonitorHandler ExtHandler [CGI] {metric} of /sys/fs/cgroup/{group}: {used}"


def _process_in_cgroup(chance: Random) -> str:
    name, full = _one(chance)
    unit = f"{name.rsplit('.', 1)[1].lower()}_{guid(chance)}.scope"
    return f"INFO ExtHandler ExtHandler Started extension {full} in cgroup unit enable_{unit}"


def _env_rules(chance: Random) -> str:
    return "INFO EnvHandler ExtHandler " + _RULES.format(packets=chance.randrange(10**3, 10**6), few=_few(chance))


def _env_routes(chance: Random) -> str:
    return "INFO MonitorHandler ExtHandler " + _ROUTES.format(hex=f"{chance.getrandbits(32):08X}")


def _env_lease(chance: Random) -> str:
    address = f"10.4.{chance.randrange(256)}.{chance.randrange(256)}"
    return f"INFO EnvHandler ExtHandler Examine /proc/net/route for primary interface: eth0 has {address}"


def _handler_state(chance: Random) -> str:
    kind = chance.choice(["Target handler state: enabled", "[Handler] current handler state is: enabled"])
    return f"INFO ExtHandler [{_one(chance)[1]}] {kind} [incarnation_{_turn(chance)}]"


def _settings(chance: Random) -> str:
    return f"INFO ExtHandler [{_one(chance)[1]}] Update settings file: {chance.randrange(40)}.settings"


def _executing(chance: Random) -> str:
    full = _one(chance)[1]
    environment = (
        '{"AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE": "NOT_RUN", '
        f'"AZURE_GUEST_AGENT_EXTENSION_PATH": "/var/lib/waagent/{full}", "ConfigSequenceNumber": "{_few(chance)}"}}'
    )
    return (
        f"INFO ExtHandler [{full}] Executing command: /var/lib/waagent/{full}/bin/shim enable "
        f"with environment variables: {environment}"
    )


def _command_output(chance: Random) -> str:
    full = _one(chance)[1]
    told = f"Writing a placeholder status file: /var/lib/waagent/{full}/status/{_few(chance)}.status"
    return f"INFO ExtHandler [{full}] Command: bin/shim enable\n[stdout]\n{told}\nerror counters: 0\n[stderr]\n"


def _telemetry_line(chance: Random) -> str:
    return f"INFO TelemetryEventsCollector ExtHandler Collected {_few(chance)} events for extension: {_one(chance)[0]}"


def _update_check(chance: Random) -> str:
    version = f"9.9.{chance.randrange(10)}.{chance.randrange(10)}"
    return (
        "INFO ExtHandler ExtHandler Checking for agent updates (family: Prod)\n"
        f"Agent is not allowed to be updated to {version} before its time"
    )


def _collect_logs(chance: Random) -> str:
    size, took = chance.randrange(10**5, 10**7), chance.randrange(900, 9000)
    told = f"Successfully collected logs. Archive size: {size} b, elapsed time: {took} ms."
    return f"INFO CollectLogsHandler ExtHandler {told}"


def _dhcp_warning(chance: Random) -> str:
    return f"WARNING EnvHandler ExtHandler Dhcp client is not running. [{_few(chance)}]"


def _download(chance: Random) -> str:
    signed = f"sv=2022-11-02&sr=b&sig={chance.getrandbits(160):040x}%3D"
    return f"INFO ExtHandler [{_one(chance)[1]}] Downloading extension package: {_BLOB}/{_turn(chance)}.zip?{signed}"


def _non_zero(chance: Random) -> str:
    name, full = _one(chance)
    packages = chance.sample(_PACKAGES, 3)
    output = "\n".join(
        f"Get:{place} http://azure.archive.ubuntu.com jammy/main {it}" for place, it in enumerate(packages)
    )
    return (
        f"ERROR ExtHandler ExtHandler Event: name={name}, op=Enable, message=[ExtensionOperationError] "
        f"Non-zero exit code: {chance.choice([1, 2, 52, 100, 126, 127])}, /var/lib/waagent/{full}/bin/shim enable\n"
        f"[stdout]\nReading package lists...\n{output}\n\n\n[stderr]\n"
        f"E: Unable to locate package {packages[0]}\n"
        f"E: Failed to fetch http://azure.archive.ubuntu.com/ubuntu/pool/{packages[1]}  Connection timed out\n, duration=0"
    )


def _download_failed(chance: Random) -> str:
    return (
        f"ERROR ExtHandler ExtHandler Event: name={_one(chance)[0]}, op=Download, message=[ExtensionDownloadError] "
        f"Failed to download artifacts: [HttpError] {_BLOB}/{_turn(chance)}.zip -- [Errno 110] timed out, duration=0"
    )


def _report_failed(chance: Random) -> str:
    return (
        "ERROR SendTelemetryHandler ExtHandler Event: name=WALinuxAgent, op=ReportEventErrors, message=DroppedEventsCount: "
        f"{chance.randrange(90)} Reasons: [ProtocolError] [Wireserver Exception] [HttpError] HTTP Failed 500, duration=0"
    )


def _http_failed(chance: Random) -> str:
    return (
        "ERROR ExtHandler ExtHandler Error fetching the goal state: [ProtocolError] [Wireserver Exception] [HttpError] "
        f"[HTTP Failed] GET http://168.63.129.16/machine/?comp=goalstate&n={_turn(chance)} -- IOError timed out"
    )


def _handler_failed(chance: Random) -> str:
    name, full = _one(chance)
    return (
        f"ERROR ExtHandler [{full}] Event: name={name}, op=Install, message=[ExtensionError] Install failed: "
        f"[Errno 28] No space left on device: '/var/lib/waagent/{full}/{_turn(chance)}.zip', duration={_turn(chance)}"
    )


def _turn(chance: Random) -> int:
    return chance.randrange(1, 300)


def _few(chance: Random) -> int:
    return chance.randrange(1, 10)
