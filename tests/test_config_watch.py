"""Settings of the resident agent: one table in file, environment and flags; every mistake told at once."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cli import main
from collector.config import ENVIRONMENT, Config, Loaded, WatchConfig, load_config, read, unknown_variables
from collector.config.pages import example, in_force, meanings, page_table, toml_value
from collector.config.values import KINDS
from collector.data import text_of
from collector.errors import ConfigError
from tests.collecting import vmext

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = Path("/var/lib/vmext")
PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"


def loaded(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Loaded:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return read(flags, environ or {}, file, DEFAULT)


def watch(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> WatchConfig:
    found = loaded(tmp_path, text, environ, **flags)
    assert found.problems == ()
    return found.config.watch


def messages(found: Loaded) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_without_anything_the_defaults_hold(tmp_path: Path):
    assert watch(tmp_path) == WatchConfig()


def test_the_table_of_the_file(tmp_path: Path):
    found = watch(tmp_path, "deadline_seconds = 9\n[watch]\npoll = true\nscan_seconds = 5\nconsole_device = 'ttyS1'")
    assert (found.poll, found.scan_seconds, found.console_device) == (True, 5.0, "ttyS1")


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path):
    text = "[watch]\npoll_seconds = 2\nring_days = 3\ncpu_percent = 4"
    environ = {"VMEXT_WATCH_POLL_SECONDS": "5", "VMEXT_WATCH_RING_DAYS": "6"}
    found = loaded(tmp_path, text, environ, **{"watch.poll_seconds": 7, "watch.cpu_percent": None})
    settings = found.config.watch
    assert (settings.poll_seconds, settings.ring_days, settings.cpu_percent) == (7.0, 6.0, 4.0)
    assert found.origins == {
        "watch.poll_seconds": "command line",
        "watch.ring_days": "VMEXT_WATCH_RING_DAYS",
        "watch.cpu_percent": str(tmp_path / "config.toml"),
    }


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("1", True), ("no", False), (" on ", True)]
)
def test_a_switch_in_the_environment_is_a_word(tmp_path: Path, text: str, value: bool):
    assert watch(tmp_path, environ={"VMEXT_WATCH_SCHEDULED_EVENTS": text}).scheduled_events is value


def test_an_empty_variable_counts_as_not_set(tmp_path: Path):
    assert watch(tmp_path, environ={"VMEXT_WATCH_POLL": ""}) == WatchConfig()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "[watch]\npoll_secods = 1",
            r"config\.toml, \[watch\]: there is no setting 'poll_secods'; did you mean poll_seconds",
        ),
        ("upload_uri = 'x'", r"config\.toml: there is no setting 'upload_uri'; did you mean upload_url"),
        ("[watch]\nqqqq = 1", r"there is no setting 'qqqq'$"),
        ("poll = true", r"config\.toml: there is no setting 'poll' there"),
        ("[watch]\nupload_url = 'x'", r"\[watch\]: there is no setting 'upload_url' there"),
        ("watch = 3", "watch must be a table, not 3"),
        ("[wotch]\npoll = true", r"there is no table \[wotch\]"),
        ("[watch.inner]\nx = 1", r"\[watch\]: there is no setting 'inner'"),
        ("[[watch]]\npoll = true", "watch must be a table"),
        ("[watch]\npoll = 'true'", "watch.poll must be true or false, not 'true'"),
        ("[watch]\npoll = 1", "watch.poll must be true or false, not 1"),
        ("[watch]\npoll_seconds = 0", "watch.poll_seconds must be above 0"),
        ("[watch]\nring_days = nan", "watch.ring_days must be a number"),
        ("[watch]\nring_days = inf", "watch.ring_days must be a number"),
        ("[watch]\nlog_files = 2.5", "watch.log_files must be a whole number"),
        ("[watch]\nlog_files = 0", "watch.log_files must be above 0"),
        ("[watch]\ncpu_percent = 101", "watch.cpu_percent must be at most 100"),
        ("[watch]\ncpu_percent = -1", "watch.cpu_percent must be 0 or above"),
        ("[watch]\nmemory_bytes = 1000", "watch.memory_bytes must be at least 31457280"),
        ("[watch]\nlog_level = 'loud'", "watch.log_level must be one of debug, info, warning, error"),
        ("[watch]\nconsole_device = 3", "watch.console_device must be text"),
        ("[watch]\nheld_seconds = 1", r"watch.held_seconds \(1\) is less than watch.related_seconds \(3\)"),
        ("[watch]\nring_bytes = 5", "watch.ring_bytes"),
    ],
)
def test_a_mistake_names_file_table_and_key(tmp_path: Path, text: str, names: str):
    (message,) = messages(loaded(tmp_path, text))
    assert re.search(names, message)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path):
    (message,) = messages(loaded(tmp_path, environ={"VMEXT_WATCH_POLL": "perhaps"}))
    assert message == "environment variable VMEXT_WATCH_POLL: watch.poll must be true or false, not 'perhaps'"


def test_a_wrong_token_is_not_quoted(tmp_path: Path):
    (message,) = messages(loaded(tmp_path, "token = 918273645"))
    assert "918273645" not in message


def test_all_mistakes_are_told_and_the_rest_holds(tmp_path: Path):
    text = "upload_uri = 'x'\nspool_days = 0\ndeadline_seconds = 7\n[watch]\npol = true\nring_days = 4"
    found = loaded(tmp_path, text, {"VMEXT_WATCH_POLL": "perhaps"})
    assert len(found.problems) == 4
    assert (found.config.deadline_seconds, found.config.watch.ring_days, found.config.spool_days) == (7.0, 4.0, 30.0)


def test_a_command_tells_the_first_and_how_many_more(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text("spool_days = 0\nspool_bytes = 0\ndeadline_seconds = 0")
    with pytest.raises(ConfigError, match="spool_days") as caught:
        load_config({}, {}, file, DEFAULT)
    assert caught.value.hint == "2 more are wrong; vmext config check tells all."


@given(
    st.dictionaries(
        st.sampled_from([*KINDS, "watch", "other", "watch.x"]),
        st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.text())),
    )
)
def test_no_value_of_a_flag_ends_in_anything_but_a_problem(flags: dict[str, object]):
    flags.pop("token_file", None), flags.pop("recipients_file", None)
    found = read(flags, {}, Path("/nowhere/config.toml"), DEFAULT)
    assert all(isinstance(problem, ConfigError) for problem in found.problems)


@given(st.binary(max_size=200))
def test_no_content_of_a_file_ends_in_anything_but_a_problem(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_bytes(content)
    assert isinstance(read({}, {}, file, DEFAULT), Loaded)


# ---- one table for code, page and example ---------------------------------------------------------------


def test_every_setting_has_a_meaning_and_every_meaning_a_setting():
    assert sorted(row.name for row in meanings()) == sorted(KINDS)


def test_every_variable_stands_for_a_setting():
    assert set(ENVIRONMENT.values()) <= set(KINDS)
    assert {f"watch.{one.name}" for one in fields(WatchConfig)} <= set(ENVIRONMENT.values())


def test_the_example_that_is_shipped_is_the_one_that_is_made():
    assert text_of("config.example.toml") == example(), "run scripts/build_configuration.py"


def test_the_example_changes_nothing(tmp_path: Path):
    assert loaded(tmp_path, example()).origins == {}


def test_the_example_without_its_marks_holds_and_shows_the_defaults(tmp_path: Path):
    bare = re.sub(r"(?m)^#(\w+ = )", r"\1", example())
    told = tomllib.loads(bare)
    assert set(told.pop("watch")) | set(told) >= {name.rpartition(".")[2] for name in KINDS}
    bare = re.sub(r"(?m)^(token|token_file|recipients|recipients_file|identity_\w+) = .*\n", "", bare)
    found = loaded(tmp_path, bare)
    assert found.problems == ()
    assert found.config.watch == WatchConfig(console_device="/dev/ttyS0")
    defaults = Config(state_dir=DEFAULT)
    for name, kind in KINDS.items():
        if "." not in name and kind in ("int", "float", "bool"):
            assert getattr(found.config, name) == getattr(defaults, name)


@pytest.mark.parametrize("is_watch", [False, True])
def test_the_page_holds_the_tables(is_watch: bool):
    assert page_table(watch=is_watch) in PAGE.read_text(encoding="utf-8"), "run scripts/build_configuration.py"


@given(st.text())
def test_a_text_is_written_as_toml_reads_it(text: str):
    written = toml_value(text)
    assert (tomllib.loads(f"key = {written}")["key"] if written else "") == text


def test_what_is_in_force_is_told_without_secrets(tmp_path: Path):
    found = loaded(tmp_path, "token = 'abc123'\nrecipients = ['age1x']")
    rows = {name: (value, origin) for name, value, origin in in_force(found.config, found.origins)}
    assert rows["token"] == ("(set, not shown)", str(tmp_path / "config.toml"))
    assert rows["recipients"][0] == ["age1x"]
    assert rows["watch.poll"] == (False, "default")
    assert "abc123" not in repr(found.config)


# ---- the command ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch):
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)


def test_check_tells_everything_at_once_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text("spool_days = 0\nupload_url = 'ftp://x'\ntime_zone = 'Mars/Base'\n[watch]\npoll_secods = 1")
    (tmp_path / "sources.d").mkdir()
    (tmp_path / "sources.d" / "own.toml").write_text("[[source]]\nid = 'x'\n")
    assert main(["config", "check", str(file)]) == 2
    told = capsys.readouterr().err
    for word in ("spool_days", "ftp", "Mars/Base", "poll_secods", "poll_seconds", "own.toml", "lacks glob"):
        assert word in told


@pytest.mark.parametrize("key", ["ca_bundle", "client_cert", "client_key"])
def test_check_looks_for_the_files_of_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str):
    file = tmp_path / "config.toml"
    file.write_text(f"{key} = {json.dumps(str(tmp_path / 'none.pem'))}\n")
    assert main(["config", "check", str(file)]) == 2
    assert f"{key}: there is no file" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Wine lacks a DLL that the library needs")
def test_check_looks_at_the_keys_of_encryption(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text("recipients = ['age1nonsense']\n")
    assert main(["config", "check", str(file)]) == 2
    assert "'age1nonsense' is no public key" in capsys.readouterr().err


def test_check_of_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text("spool_days = 3\n[watch]\npoll = true")
    (tmp_path / "sources.d").mkdir()
    (tmp_path / "sources.d" / "own.toml").write_text(
        "[[source]]\nid = 'x'\nglob = 'var/log/x.log'\nkind = 'log'\nsource = 'mine'\nsystem = 'windows'\n"
    )
    assert main(["config", "check", str(file)]) == 0
    assert "nothing wrong, 2 settings" in capsys.readouterr().out


def test_check_of_what_powershell_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text("spool_days = 3\n", encoding="utf-16")
    assert main(["config", "check", str(file)]) == 2
    assert "Set-Content -Encoding utf8" in capsys.readouterr().err


def test_check_of_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["config", "check", str(tmp_path / "nothing.toml")]) == 2
    assert "nothing.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "warning"),
    [
        ("http://vmext.example.com", "by http:// bundles can be read on the way"),
        ("HTTP://vmext.example.com", "by http:// bundles can be read on the way"),
        ("https://vmext.example.com", ""),
        ("http://127.0.0.1:8443", ""),
        ("http://[::1]:8443", ""),
    ],
)
def test_an_address_without_encryption_is_told(
    tmp_path: Path, address: str, warning: str, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "config.toml"
    file.write_text(f'upload_url = "{address}"')
    assert main(["config", "check", str(file)]) == 0
    told = capsys.readouterr().err
    assert warning in told
    assert bool(told) == bool(warning)


def test_show_tells_origins_and_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "config.toml"
    file.write_text("token = 'abc123'\nproxy = 'http://me:hunter2@proxy:3128'\n[watch]\npoll = true")
    monkeypatch.setenv("VMEXT_WATCH_RING_DAYS", "9")
    assert main(["config", "show", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert "abc123" not in told and "hunter2" not in told
    assert re.search(r"(?m)^poll = true +# .*config\.toml$", told)
    assert re.search(r"(?m)^ring_days = 9 +# VMEXT_WATCH_RING_DAYS$", told)
    assert re.search(r"(?m)^spool_days = 30 +# default$", told)


def test_show_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text("token = 'abc123'\n[watch]\npoll = true")
    assert main(["config", "show", "--config", str(file), "--json"]) == 0
    told = capsys.readouterr().out
    assert "abc123" not in told
    settings = json.loads(told)["settings"]
    assert settings["watch.poll"] == {"value": True, "origin": str(file)}
    assert set(settings) == set(KINDS)


def test_example_prints_the_file(capsys: pytest.CaptureFixture[str]):
    assert main(["config", "example"]) == 0
    assert capsys.readouterr().out == example()


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("VMEXT_WATCH_POL", "did you mean VMEXT_WATCH_POLL?"),
        ("VMEXT_POLL_SECONDS", "did you mean VMEXT_WATCH_POLL_SECONDS?"),
        ("VMEXT_WATCH_TOKEN", "did you mean VMEXT_TOKEN?"),
        ("VMEXT_UPLOAD", "did you mean VMEXT_UPLOAD_URL?"),
        ("VMEXT_DEADLINE_SECONDS", "deadline_seconds can only be set in the configuration file"),
        ("VMEXT_QQQQ", "VMEXT_QQQQ means nothing"),
    ],
)
def test_a_variable_that_stands_for_nothing_is_told_with_the_nearest(variable: str, says: str):
    (told,) = unknown_variables({variable: "secret", "PATH": "/bin", "VMEXT_TOKEN": "x", "VMEXT_WATCH_POLL": "1"})
    assert variable in told
    assert told.endswith(says)
    assert "secret" not in told


def test_the_check_tells_of_such_a_variable(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.touch()
    done = vmext("config", "check", file, environ={"VMEXT_WATCH_SCAN_SECOND": "3"})
    assert done.code == 0
    assert "VMEXT_WATCH_SCAN_SECOND means nothing; did you mean VMEXT_WATCH_SCAN_SECONDS?" in done.err
    assert "nothing wrong" in done.out


def test_a_run_tells_of_it_and_goes_on(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    done = vmext("collect", "--root", tmp_path / "disk", "--state-dir", tmp_path / "s", environ={"VMEXT_SPREADS": "3"})
    assert done.code == 12
    assert "did you mean VMEXT_SPREAD?" in done.err
