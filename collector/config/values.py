"""The settings: names, types, defaults, limits, and the variables that stand for them.

What each means stands in ``data/settings.tsv``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

#: Settings of the resident agent stand in this table of the file.
WATCH = "watch"


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """Settings of the resident agent. Sizes in bytes, times in seconds."""

    poll: bool = False
    poll_seconds: float = 1.0
    scan_seconds: float = 60.0
    related_seconds: float = 3.0
    held_seconds: float = 8.0
    hang_seconds: float = 0.0
    burst_errors: int = 20
    burst_seconds: float = 60.0
    ring_bytes: int = 33_554_432
    ring_bytes_per_source: int = 262_144
    ring_days: float = 2.0
    cpu_percent: float = 5.0
    memory_bytes: int = 47_185_920
    most_open_files: int = 128
    most_inotify_watches: int = 2_048
    console: bool = False
    console_device: str = ""
    scheduled_events: bool = True
    log_level: str = "info"
    log_bytes: int = 1_048_576
    log_files: int = 3


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Sizes in bytes, times in seconds."""

    state_dir: Path
    upload_url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    ca_bundle: str | None = None
    identity_client_id: str | None = None
    identity_resource_id: str | None = None
    proxy: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    spread_seconds: float = 0.0
    deadline_seconds: float = 60.0
    bytes_per_source: int = 150_000_000
    bytes_per_bundle: int = 5_000_000
    spool_bytes: int = 200_000_000
    spool_days: float = 30.0
    time_zone: str | None = None
    recipients: tuple[str, ...] = ()  # public keys that bundles are encrypted to
    recipients_file: str | None = None  # a file of more of them, one a line
    hide_ids: bool = False
    hide_addresses: bool = False
    hide_hostnames: bool = False
    watch: WatchConfig = field(default_factory=WatchConfig)


#: Environment variables and the settings they stand for, those of the resident agent as ``watch.NAME``.
ENVIRONMENT: Mapping[str, str] = {
    "VMEXT_UPLOAD_URL": "upload_url",
    "VMEXT_TOKEN": "token",
    "VMEXT_TOKEN_FILE": "token_file",
    "VMEXT_STATE_DIR": "state_dir",
    "VMEXT_CA_BUNDLE": "ca_bundle",
    "VMEXT_RECIPIENTS": "recipients",
    "VMEXT_RECIPIENTS_FILE": "recipients_file",
    "VMEXT_IDENTITY_CLIENT_ID": "identity_client_id",
    "VMEXT_IDENTITY_RESOURCE_ID": "identity_resource_id",
    "VMEXT_PROXY": "proxy",
    "VMEXT_SPREAD": "spread_seconds",
} | {f"VMEXT_WATCH_{setting.name.upper()}": f"{WATCH}.{setting.name}" for setting in fields(WatchConfig)}

#: Each setting's full name and its type as it is written above.
KINDS: Mapping[str, str] = {setting.name: str(setting.type) for setting in fields(Config) if setting.name != WATCH} | {
    f"{WATCH}.{setting.name}": str(setting.type) for setting in fields(WatchConfig)
}
#: Their values are never shown.
SECRET = frozenset({"token"})
#: Numbers that may be 0; all others must be above.
MAY_BE_ZERO = frozenset({"spread_seconds", "watch.hang_seconds", "watch.burst_errors", "watch.cpu_percent"})
#: The least and the most that a number may be, where more than its sign matters.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "watch.poll_seconds": (0.05, 3_600),
    "watch.scan_seconds": (0.1, 86_400),
    "watch.cpu_percent": (0, 100),
    "watch.memory_bytes": (31_457_280, float("inf")),
    "watch.log_bytes": (4_096, float("inf")),
    "watch.log_files": (1, 100),
}
#: Texts that are one of a few words.
WORDS: Mapping[str, tuple[str, ...]] = {"watch.log_level": ("debug", "info", "warning", "error")}


def value_of(config: Config, name: str) -> Any:
    """The value of a setting by its full name."""
    table, _, key = name.rpartition(".")
    return getattr(config.watch if table else config, key)
