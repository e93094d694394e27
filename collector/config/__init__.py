"""Configuration: flags over environment over file. The only reader of configuration."""

from __future__ import annotations

from collector.config.loading import Loaded, load_config, read, unknown_variables
from collector.config.values import ENVIRONMENT, Config, WatchConfig

__all__ = ["ENVIRONMENT", "Config", "Loaded", "WatchConfig", "load_config", "read", "unknown_variables"]
