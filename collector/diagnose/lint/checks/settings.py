"""Settings of DSC and of Application Health that their handlers refuse. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.values import UNKNOWN, Extension, Found, Machine, known

_TRIO = ("url", "script", "function")
_WMF = frozenset({"4.0", "5.0", "5.1", "latest", ""})
_PROTOCOLS = ("tcp", "http", "https")
_BOUNDS = {"intervalInSeconds": (5, 60), "numberOfProbes": (1, 24), "gracePeriod": (5, 14_400), "port": (1, 65_535)}
_SETTLED = 240
_INTERVAL, _PROBES = 5, 1


def check(machine: Machine, _: Context) -> Iterator[Found]:
    for extension in machine.extensions:
        if extension.family == "dsc":
            yield from _dsc(extension)
        elif extension.family == "health" and extension.public is not None:
            for key, message in _health(extension.public):
                yield _found(extension, "health-settings", message, *((key,) if key in extension.public else ()))


def _found(extension: Extension, rule: str, message: str, *keys: str) -> Found:
    return Found(rule, extension.place("settings", *keys), message, extension.name or extension.handler)


def _dsc(extension: Extension) -> Iterator[Found]:
    public, protected = extension.public or {}, extension.protected or {}
    configuration = public.get("configuration")
    if isinstance(configuration, dict):
        missing = [key for key in _TRIO if configuration.get(key) in (None, "")]
        if 0 < len(missing) < len(_TRIO):
            yield _found(extension, "dsc-trio", f"{' and '.join(missing)} not given", "configuration")
    version = public.get("wmfVersion")
    if version is not None and version is not UNKNOWN and not _is_wmf(version):
        yield _found(extension, "dsc-wmf-version", f"wmfVersion is {str(version)[:20]}", "wmfVersion")
    open_arguments, hidden = public.get("configurationArguments"), protected.get("configurationArguments")
    if isinstance(open_arguments, (list, int, float)) or known(open_arguments):
        yield _found(extension, "dsc-arguments", "configurationArguments is not an object", "configurationArguments")
    if isinstance(open_arguments, dict) and isinstance(hidden, dict):
        hidden_names = {name.casefold() for name in hidden}
        for name in open_arguments:
            if name.casefold() in hidden_names:
                said = f"{name} is in settings and protectedSettings"
                yield _found(extension, "dsc-arguments", said, "configurationArguments", name)
    node = known(_node(public))
    if node and "." not in node:
        yield _found(extension, "dsc-node-configuration", "NodeConfigurationName has no dot")
    yield _found(extension, "dsc-retires", "the extension is Microsoft.Powershell.DSC")


def _is_wmf(version: Any) -> bool:
    return isinstance(version, str) and (known(version) is None or version.casefold() in _WMF)


def _node(public: Mapping[str, Any]) -> Any:
    """In the arguments, or in the older list of properties."""
    arguments, properties = public.get("configurationArguments"), public.get("properties", public.get("Properties"))
    if isinstance(arguments, dict):
        return arguments.get("NodeConfigurationName")
    for one in properties if isinstance(properties, list) else ():
        if isinstance(one, dict) and one.get("Name") == "NodeConfigurationName":
            return one.get("Value")
    return None


def _health(public: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    protocol = public.get("protocol")
    word = known(protocol)
    if protocol is None or (word is not None and word not in _PROTOCOLS):
        yield "protocol", "protocol is not given" if protocol is None else "protocol is none of tcp, http, https"
    if word == "tcp":
        if public.get("port") in (None, 0):
            yield "port", "port is not given"
        if known(public.get("requestPath")):
            yield "requestPath", "requestPath is given for tcp"
    for key, (least, most) in _BOUNDS.items():
        value = public.get(key)
        if isinstance(value, int) and not least <= value <= most and not (key == "port" and value == 0):
            yield key, f"{key} is {value}, allowed are {least} to {most}"
    interval, probes = public.get("intervalInSeconds", _INTERVAL), public.get("numberOfProbes", _PROBES)
    if isinstance(interval, int) and isinstance(probes, int) and interval * probes > _SETTLED:
        yield "numberOfProbes", f"{interval} s x {probes} probes = {interval * probes} s, at most {_SETTLED}"
