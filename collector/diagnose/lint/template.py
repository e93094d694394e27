"""Finds machines and extensions in a deployment template, its child resources and nested deployments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from collector.diagnose.lint.expressions import Scope
from collector.diagnose.lint.model import extension_of, machine_of
from collector.diagnose.lint.texts import is_secret_name
from collector.diagnose.lint.values import HOLE, SECRET, UNKNOWN, Extension, Machine, Place, RunCommand

_MACHINES: dict[str, Literal["vm", "vmss", "arc"]] = {
    "microsoft.compute/virtualmachines": "vm",
    "microsoft.compute/virtualmachinescalesets": "vmss",
    "microsoft.hybridcompute/machines": "arc",
}
_EXTENSIONS = {f"{kind}/extensions" for kind in _MACHINES}
_COMMANDS = {
    *(f"{kind}/runcommands" for kind in _MACHINES),
    "microsoft.compute/virtualmachinescalesets/virtualmachines/runcommands",
}
_DEPLOYMENT = "microsoft.resources/deployments"
#: Templates inside each other: more than any deployment may have.
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class _Place:
    """Where resources stand: the values their expressions see, and what holds for all of them."""

    scope: Scope
    names: Scope  # as `scope`, but unknown parts of a text keep their words: names are compared by them
    realm: str = ""  # the resource group of a deployment inside the template
    condition: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource as it is written, with its full type and name, those of what it is a child of included."""

    kind: str
    name: str
    value: Mapping[str, Any]
    at: Place
    place: _Place

    @property
    def key(self) -> str:
        return f"{self.place.realm}|{self.name}".casefold()

    def resolved(self) -> Any:
        return self.place.scope.resolve(self.value.get("properties"))

    def shown(self) -> str:
        """The last part of the name as a person would say it."""
        return self.name.rpartition("/")[2].replace(HOLE, "").replace(SECRET, "*")

    def condition(self) -> str:
        own = self.value.get("condition")
        return self.place.condition + ("" if own in (None, True) else f"({own})")


def is_template(value: Any) -> bool:
    resources = value.get("resources") if isinstance(value, dict) else None
    if not isinstance(resources, (list, dict)):
        return False
    marks = {"contentVersion", "languageVersion"} & set(value) or "deploymentTemplate" in str(value.get("$schema"))
    return bool(marks) or _has_types(resources)


def _has_types(resources: Any) -> bool:
    """Whether resources are those of a template: the list in `az vm show` has no versions of the interface."""
    values = list(resources.values()) if isinstance(resources, dict) else resources
    return bool(values) and all(
        isinstance(value, dict) and "/" in str(value.get("type")) and "apiVersion" in value for value in values
    )


def machines(template: Mapping[str, Any], given: Mapping[str, Any], at: Place = ()) -> tuple[Machine, ...]:
    """All machines of a template; `given`: the values of its parameters that are known."""
    place = _Place(_scope(template, given), _scope(template, given, named=True))
    resources = list(_resources(template, place, at))
    found = {resource.key: _machine(resource) for resource in resources if resource.kind in _MACHINES}
    parts: dict[str, list[Extension | RunCommand]] = {}
    for resource in resources:
        if resource.kind in _EXTENSIONS or resource.kind in _COMMANDS:
            part = _part(resource)
            if part:
                owner = resource.key.rpartition("/")[0]
                found.setdefault(owner, Machine(_MACHINES.get(resource.kind.rpartition("/")[0], "vm"), owner))
                parts.setdefault(owner, []).append(part)
    for owner, ours in parts.items():
        machine = found[owner]
        extensions = tuple(part for part in ours if isinstance(part, Extension))
        commands = tuple(part for part in ours if isinstance(part, RunCommand))
        found[owner] = replace(machine, extensions=machine.extensions + extensions, commands=commands)
    return tuple(found.values())


def _part(resource: _Resource) -> Extension | RunCommand | None:
    body, at = resource.resolved(), (*resource.at, "properties")
    if not isinstance(body, dict):
        return None
    if resource.kind in _COMMANDS:
        return RunCommand(resource.shown(), body, at, resource.condition())
    return replace(extension_of(resource.shown(), body, at), condition=resource.condition())


def parameter_values(document: Any) -> dict[str, Any]:
    """The values of a parameters file; a reference to a key vault is a secret."""
    if isinstance(document, dict) and isinstance(document.get("parameters"), dict):
        document = document["parameters"]
    if not isinstance(document, dict):
        return {}
    return {name: _given(value, Scope()) for name, value in document.items()}


def _given(value: Any, scope: Scope) -> Any:
    if isinstance(value, dict) and "value" in value:
        return scope.resolve(value["value"])
    return SECRET if isinstance(value, dict) and "reference" in value else UNKNOWN


def _scope(template: Mapping[str, Any], given: Mapping[str, Any], named: bool = False) -> Scope:
    declared = template.get("parameters")
    variables = template.get("variables")
    known: dict[str, Any] = {}
    scope = Scope(known, variables if isinstance(variables, dict) else {}, named)
    for name, parameter in declared.items() if isinstance(declared, dict) else ():
        if not isinstance(parameter, dict):
            continue
        if _holds_secret(name, parameter):
            known[name] = SECRET
        elif name in given:
            known[name] = given[name]
        elif "defaultValue" in parameter:
            known[name] = scope.resolve(parameter["defaultValue"])
    return scope


def _holds_secret(name: str, parameter: Mapping[str, Any]) -> bool:
    """Declared as a secret, or a text that only lacks this: a choice between words is none."""
    kind = str(parameter.get("type", "")).casefold()
    declared = kind in ("securestring", "secureobject")
    return declared or (kind == "string" and "allowedValues" not in parameter and is_secret_name(name))


def _resources(template: Mapping[str, Any], place: _Place, at: Place) -> Iterator[_Resource]:
    yield from _children(_Resource("", "", {"resources": template.get("resources")}, at, place))


def _children(parent: _Resource) -> Iterator[_Resource]:
    """What stands inside a resource, in the order of the document."""
    children = parent.value.get("resources")
    pairs: Any = children.items() if isinstance(children, dict) else enumerate(children or ())
    for key, value in pairs if isinstance(children, (dict, list)) else ():
        if not isinstance(value, dict) or value.get("existing") is True or value.get("condition") is False:
            continue
        resource = _read(value, parent, (*parent.at, "resources", key))
        yield resource
        if resource.kind == _DEPLOYMENT and parent.place.depth < _DEEPEST:
            yield from _nested(resource)
        yield from _children(resource)


def _read(value: Mapping[str, Any], parent: _Resource, at: Place) -> _Resource:
    kind = str(value.get("type", "")).casefold().partition("@")[0]
    name = parent.place.names.resolve(value.get("name"))
    if not isinstance(name, str):
        name = f"{HOLE}{at}{HOLE}"
    if parent.kind and not kind.startswith(f"{parent.kind}/"):
        kind, name = f"{parent.kind}/{kind}", f"{parent.name}/{name}"
    return _Resource(kind, name, value, at, replace(parent.place, condition=parent.condition()))


def _nested(resource: _Resource) -> Iterator[_Resource]:
    """The resources of a deployment inside the template. Its own scope knows only what it is given."""
    properties = resource.value.get("properties")
    template = properties.get("template") if isinstance(properties, dict) else None
    if not isinstance(properties, dict) or not isinstance(template, dict):
        return
    outer = resource.place
    group = outer.names.resolve(resource.value.get("resourceGroup"))
    realm = group if isinstance(group, str) else outer.realm
    scope, names = outer.scope, outer.names
    options = properties.get("expressionEvaluationOptions")
    if isinstance(options, dict) and str(options.get("scope", "")).casefold() == "inner":
        passed = properties.get("parameters")
        values = passed if isinstance(passed, dict) else {}
        scope = _scope(template, {name: _given(value, outer.scope) for name, value in values.items()})
        names = _scope(template, {name: _given(value, outer.names) for name, value in values.items()}, named=True)
    inner = _Place(scope, names, realm, resource.condition(), outer.depth + 1)
    yield from _resources(template, inner, (*resource.at, "properties", "template"))


def _machine(resource: _Resource) -> Machine:
    return machine_of(_MACHINES[resource.kind], resource.shown(), resource.resolved(), (*resource.at, "properties"))
