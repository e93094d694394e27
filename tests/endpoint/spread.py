"""How failures are spread over a large site: many small scale sets and few huge ones, each with failures of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from collector.model import Identity

EXTENSIONS = (
    "Microsoft.Azure.Extensions.CustomScript",
    "Microsoft.Compute.CustomScriptExtension",
    "Microsoft.Powershell.DSC",
    "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent",
    "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent",
    "Microsoft.ManagedServices.ApplicationHealthLinux",
    "Microsoft.ManagedServices.ApplicationHealthWindows",
    "Microsoft.Azure.KeyVault.KeyVaultForLinux",
    "Microsoft.Azure.KeyVault.KeyVaultForWindows",
    "Microsoft.Azure.Security.Monitoring.AzureSecurityLinuxAgent",
    "Microsoft.Azure.ActiveDirectory.AADSSHLoginForLinux",
    "Microsoft.Azure.NetworkWatcher.NetworkWatcherAgentLinux",
    "Microsoft.Azure.Monitoring.DependencyAgent.DependencyAgentLinux",
    "Microsoft.GuestConfiguration.ConfigurationforLinux",
    "Microsoft.Azure.Security.AzureDiskEncryptionForLinux",
    "Microsoft.OSTCExtensions.VMAccessForLinux",
    "Microsoft.Azure.ServiceFabric.ServiceFabricLinuxNode",
    "Microsoft.Azure.RecoveryServices.VMSnapshotLinux",
    "Microsoft.HpcCompute.NvidiaGpuDriverLinux",
    "Microsoft.CPlat.Core.RunCommandLinux",
)
_CAUSES = (
    ("package-002-repository", "package or repository not available", "script"),
    ("script-failed", "the script ended with an error", "script"),
    ("network-001-dns", "a name was not resolved", "network"),
    ("network-003-refused", "a connection was refused", "network"),
    ("download-404", "a file to download is not there", "script"),
    ("download-403", "access to a file was denied", "platform"),
    ("disk-001-full", "the disk is full", "guest"),
    ("timeout", "the operation took longer than the platform waits", "script"),
    ("settings-json", "the settings can't be read", "script"),
    ("handler-missing", "the handler's program is not there", "extension"),
    ("certificate-expired", "a certificate is no longer valid", "guest"),
    ("lock-held", "another package operation holds the lock", "guest"),
)
_TEXTS = (
    "E: Unable to locate package {word}-{number}",
    "failed to execute command: command terminated with exit status={code} [stderr] {path}: line {number}: {word}: "
    "command not found",
    "curl: (6) Could not resolve host: {word}{number}.blob.core.windows.net",
    "dial tcp 10.{small}.{small}.4:443: connect: connection refused while downloading https://{word}.example.net/{path}",
    "failed to download file[0]: unexpected status code: actual=404 expected=200, url https://{word}{number}"
    ".blob.core.windows.net/scripts/{path}",
    "OSError: [Errno 28] No space left on device: '/var/lib/waagent/{word}/{path}.{number}'",
    "Extension took longer than {number} seconds to complete; the process {number} was ended by the agent",
    "The configuration {word} failed at [{path}]: the module {word}Dsc version {small}.{small} was not found",
    "dpkg: error: dpkg frontend lock was locked by another process with pid {number}",
    "x509: certificate has expired or is not yet valid: current time is after 2026-0{digit}-1{digit}T00:00:00Z ({word})",
)
_WORDS = ("nginx", "kubelet", "filebeat", "oms", "telegraf", "dotnet", "payments", "orders", "search", "catalog")
_CODES = (1, 2, 3, 4, 5, 9, 52, 53, 100, 126, 127, 128, 137, 143, 255, 1001, 1003, 1603, -1, -196608)
_PLACES = ("westeurope", "northeurope", "eastus", "eastus2", "southeastasia", "uksouth")
#: As many as a scale set can have at most.
_MOST_INSTANCES = 1_000
_BUNDLES_OF_AN_INSTANCE = 5


@dataclass(frozen=True)
class Story:
    extension: str
    rule: str
    title: str
    owner: str
    kind: str
    operation: str
    exit_code: int | None
    text: str


@dataclass(frozen=True)
class Group:
    """A scale set."""

    name: str
    resource_group: str
    subscription: str
    location: str
    instances: int
    extensions: tuple[str, ...]
    stories: tuple[Story, ...]

    def identity(self, member: int) -> Identity:
        return Identity(
            "linux",
            instance_name=f"{self.name}_{member}",
            computer_name=f"{self.name[:9]}{member:06x}",
            scale_set=self.name,
            instance_id=str(member),
            resource_group=self.resource_group,
            subscription=self.subscription,
            location=self.location,
            zone=str(member % 3 + 1),
            image="canonical/0001-com-ubuntu-server-jammy/22_04-lts-gen2/22.04.202605010",
            os="Ubuntu 22.04.4 LTS",
            agent_version=f"2.1{member % 3}.0.{member % 2}",
            vm_id=f"00000000-0000-4000-8000-{member:012x}",
            source="metadata service",
        )


@dataclass(frozen=True)
class Site:
    groups: tuple[Group, ...]
    weights: tuple[int, ...]

    def instance(self, random: Random) -> tuple[Group, int]:
        """One of all instances, each as likely as any other."""
        group = random.choices(self.groups, cum_weights=self.weights)[0]
        return group, random.randrange(group.instances)


@cache
def site(bundles: int) -> Site:
    """A site whose instances have sent `bundles` bundles: one in five of them, in scale sets of 2 to 1,000."""
    random = Random("site")
    left, total = max(2, bundles // _BUNDLES_OF_AN_INSTANCE), 0
    groups: list[Group] = []
    weights: list[int] = []
    while left > 0:
        size = min(left, _MOST_INSTANCES, max(2, int(4 * random.paretovariate(0.7))))
        groups.append(_group(random, len(groups), size))
        left -= size
        total += size
        weights.append(total)
    return Site(tuple(groups), tuple(weights))


def message(random: Random, story: Story) -> str:
    """A line as a log has it: the same failure, with a path, number or name that differs from run to run."""
    return story.text.format(
        word=random.choice(_WORDS),
        number=random.randrange(100, 9_999),
        small=random.randrange(1, 250),
        digit=random.randrange(1, 9),
        code=story.exit_code,
        path=f"{random.choice(_WORDS)}/{random.getrandbits(48):012x}/setup.sh",
    )


def _group(random: Random, number: int, size: int) -> Group:
    extensions = tuple(sorted(random.sample(EXTENSIONS, random.randint(3, 9))))
    subscription = f"{Random(number % 12).getrandbits(32):08x}-0000-4000-8000-{number % 12:012x}"
    return Group(
        f"{random.choice(_WORDS)}-{number:04d}-vmss",
        f"rg-{random.choice(_WORDS)}-{number // 4}",
        subscription,
        random.choice(_PLACES),
        size,
        extensions,
        tuple(_story(random, random.choice(extensions)) for _ in range(random.randint(4, 24))),
    )


def _story(random: Random, extension: str) -> Story:
    rule, title, owner = random.choice(_CAUSES)
    kind = random.choices(("failure", "hang"), weights=(9, 1))[0]
    code = random.choice(_CODES) if kind == "failure" and random.random() < 0.85 else None
    operation = random.choices(("Enable", "Install", "Update", "Download"), weights=(7, 2, 1, 1))[0]
    return Story(extension, rule, title, owner, kind, operation, code, random.choice(_TEXTS))
