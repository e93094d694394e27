"""What the design promises of the code, read from its syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "collector"
FILES = sorted(PACKAGE.rglob("*.py"))
#: Parts that get values and return values: they open nothing and read no clock.
PURE = [
    *("model.py", "errors.py", "parse", "extract", "diagnose", "redact", "deliver/backoff.py"),
    *("discover/rotation.py", "discover/crowds.py", "discover/versions.py", "pipeline/ledger.py"),
    *("config/values.py", "config/pages.py", "watch/limits.py", "cli/status_text.py"),
    *("endpoint/intake/turns.py", "endpoint/intake/heads.py"),
    *("fleet/scale_set.py", "fleet/reading.py", "fleet/case.py", "fleet/spread.py"),
    *("fleet/az_output", "fleet/advice", "fleet/rendering", "fleet/again/document.py", "fleet/again/text.py"),
    *(
        f"fleet/compare/{name}.py"
        for name in ("comparing", "document", "explained", "grouping", "masking", "text", "traits")
    ),
    *(
        f"fleet/ask/{name}.py"
        for name in (
            "answers",
            "diagnosis",
            "diagnosis_text",
            "outcome",
            "outcome_table",
            "plan",
            "pulling",
            "refusals",
            "run_command",
            "script",
            "set_facts",
            "verdicts",
        )
    ),
    *(f"watch/{name}.py" for name in ("incident", "runs", "operations", "bursts", "judging", "agent_life")),
    *(
        f"read/{name}.py"
        for name in (
            "tailing/cutting",
            "encoding",
            "filters",
            "gaps",
            "tailing/identity",
            "tailing/line_ends",
            "normal",
            "keeping/recent",
            "records",
        )
    ),
    *(f"read/{name}.py" for name in ("sift", "split", "tailing/stream", "window")),
    *(
        "data/rotated.py",
        "endpoint/indexing/naming.py",
        "endpoint/indexing/rows.py",
        "endpoint/reading/asking.py",
        "endpoint/exporting/records.py",
        "endpoint/api/drawn.py",
        "endpoint/pages/timeline",
    ),
    *(f"endpoint/pages/{name}.py" for name in ("comparing", "excerpts", "machine", "markdown", "retold", "ticket")),
    *(f"endpoint/access/{name}.py" for name in ("attested", "rules", "scale_sets")),
    *(f"endpoint/pages/{name}.py" for name in ("asked", "set_answer", "telling")),
    "endpoint/reading/api.py",
    *(f"endpoint/reading/{name}.py" for name in ("advising", "differences", "members", "repairing")),
] + [
    f"bundle/{name}.py"
    for name in (
        "documents",
        "envelope",
        "json_form",
        "shape",
        "events",
        "excerpts",
        "layout",
        "summary",
        "verdict",
        "words",
        "report",
        "cards",
        "checks",
        "likely",
        "tables",
        "block",
        "core",
        "inline",
        "inline_reader",
        "parts",
    )
]
IMPURE_MODULES = {
    "os",
    "subprocess",
    "socket",
    "requests",
    "psutil",
    "shutil",
    "tempfile",
    "time",
    "glob",
    "sqlite3",
}
IMPURE_CALLS = {
    "open",
    "now",
    "utcnow",
    "today",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "stat",
    "iterdir",
    "exists",
    "is_file",
    "mkdir",
    "unlink",
}
#: Names that say nothing.
VAGUE = {"utils", "helpers", "manager", "common", "misc", "base"}
LONG = {
    "model.py": "all values between the stages, which is the interface",
}


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def pure_files() -> list[Path]:
    chosen = [
        file for part in PURE for file in ([PACKAGE / part] if part.endswith(".py") else (PACKAGE / part).rglob("*.py"))
    ]
    assert all(file.exists() for file in chosen)
    return [file for file in chosen if file.name != "log.py"]


@pytest.mark.parametrize("file", pure_files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_pure_parts_open_nothing_and_read_no_clock(file: Path):
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & IMPURE_MODULES
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in IMPURE_MODULES
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in IMPURE_CALLS, f"line {node.lineno}: {name}()"


def test_only_the_redactor_makes_redacted_text():
    makers = set()
    for file in FILES:
        for node in ast.walk(tree(file)):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "RedactedText"
            ):
                makers.add(file.relative_to(PACKAGE).as_posix())
    assert makers == {"redact/redactor.py"}


def test_broad_excepts_are_at_most_two():
    broad = []
    for file in FILES:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
            ):
                broad.append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    assert len(broad) <= 2, broad


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_is_short_named_and_says_what_it_is(file: Path):
    text = file.read_text(encoding="utf-8")
    assert file.stem not in VAGUE
    assert "from __future__ import annotations" in text
    assert ast.get_docstring(tree(file))
    if str(file.relative_to(PACKAGE)) not in LONG:
        assert text.count("\n") <= 350


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_functions_are_short(file: Path):
    for node in ast.walk(tree(file)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno <= 60, f"{node.name} at line {node.lineno}"


def test_no_package_is_named_like_the_packaging_folder():
    assert not (PACKAGE.parent / "packaging" / "__init__.py").exists()
