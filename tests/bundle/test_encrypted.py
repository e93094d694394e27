"""A bundle that only the owners of a key can read, and what everyone may know of it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from collector.bundle.encryption import Identities, identities, recipients
from collector.bundle.envelope import ENVELOPE, PAYLOAD, Envelope
from collector.bundle.reader import Bundle, open_bundle, open_received
from collector.bundle.writer import write
from collector.errors import BundleError, ConfigError, EncryptedError
from collector.model import BundleInfo, RedactedText, Report
from tests.bundle.disks import bundle_of
from tests.bundle.samples import LOCKED, REPORT, Sealer, finding, report, seal
from tests.bundle.test_writer import noisy
from tests.collecting import STDERR, collect, failing_disk, put, vmext

Key = pyrage.x25519.Identity


@pytest.fixture(scope="module")
def key() -> Any:
    return Key.generate()


@pytest.fixture
def key_file(tmp_path: Path, key: Any) -> Path:
    """As age-keygen writes it."""
    file = tmp_path / "key.txt"
    file.write_text(f"# created: 2026-11-23T10:00:00Z\n# public key: {key.to_public()}\n{key}\n")
    return file


def sealed(folder: Path, *keys: Any, report: Report = REPORT, **options: Any) -> BundleInfo:
    to = recipients([str(key.to_public()) for key in keys])
    return write(report, seal=seal, audit=dict, folder=folder, recipients=to, **options)


def parts(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def repacked(contents: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in contents.items():
            zipped.writestr(name, data)
    return file


# ---- to and fro ----------------------------------------------------------------------------------------


def test_what_was_encrypted_is_what_is_read(tmp_path, key, key_file):
    info = sealed(tmp_path / "sealed", key)
    plain = write(REPORT, seal=seal, audit=dict, folder=tmp_path / "plain")
    bundle = open_bundle(info.path, identities=identities(key_file))
    assert (info.encrypted, plain.encrypted) == (True, False)
    assert bundle.id == info.id == plain.id, "the same content has the same id, encrypted or not"
    assert bundle.failures == REPORT.failures
    payload = parts(info.path)[PAYLOAD]
    assert pyrage.decrypt(payload, [key]) == plain.path.read_bytes()
    assert info.sha256 == hashlib.sha256(info.path.read_bytes()).hexdigest()


def test_every_one_of_several_recipients_can_read_it_and_no_one_else(tmp_path, key):
    other = Key.generate()
    info = sealed(tmp_path, key, other)
    for owner in (key, other):
        assert open_bundle(info.path, identities=Identities((owner,))).id == info.id
    assert open_bundle(info.path, identities=Identities((Key.generate(), other))).id == info.id
    with pytest.raises(BundleError, match="can't be decrypted with this identity"):
        open_bundle(info.path, identities=Identities((Key.generate(),)))
    with pytest.raises(EncryptedError, match=r"\(FAILED\) is encrypted to age1") as error:
        open_bundle(info.path)
    assert "--identity" in error.value.hint


def test_the_envelope_tells_keys_and_no_text_of_a_log(tmp_path, key):
    told = report(finding(), finding(name="Nightly of customer", kind="hang", exit_code=None))
    info = sealed(tmp_path, key, report=told)
    contents = parts(info.path)
    assert set(contents) == {ENVELOPE, PAYLOAD}
    assert contents[PAYLOAD].startswith(b"age-encryption.org/v1\n")
    document = json.loads(contents[ENVELOPE])
    assert document["instance"]["instance_name"] == "vmss-web_12"
    assert document["recipients"] == [str(key.to_public())]
    assert document["findings"][0] == {
        "id": "package-manager-locked", "kind": "failure", "extension": "Microsoft.Azure.Extensions.CustomScript",
        "version": "2.1.19", "operation": "Enable", "sequence": 3, "exit_code": 100, "owner": "script",
    }  # fmt: skip
    for text in (LOCKED, "Nightly of customer", "unattended", "/var/", "upgrade held the lock"):
        assert text not in contents[ENVELOPE].decode()


def test_redaction_comes_before_encryption(tmp_path, key):
    secret = "sv=2022-11-02&sig=abcDEF123456789abcDEF123456789abcDEF1234567%3D"
    disk = failing_disk(tmp_path / "disk")
    put(disk, STDERR, f"E: could not fetch https://acct.blob.core.windows.net/c/x.sh?{secret}\n")
    info = bundle_of(disk, tmp_path / "spool", recipients=recipients([str(key.to_public())]))
    plain = pyrage.decrypt(parts(info.path)[PAYLOAD], [key])
    with zipfile.ZipFile(io.BytesIO(plain)) as zipped:
        texts = b"".join(zipped.read(name) for name in zipped.namelist())
    assert b"[sas:" in texts
    assert b"abcDEF123456789" not in texts + info.path.read_bytes()


def test_a_redactor_that_takes_a_recipient_for_a_key_is_noticed(tmp_path, key):
    hide = Sealer(lambda text: RedactedText(re.sub("age1[0-9a-z]+", "***", text)))
    with pytest.raises(BundleError, match=r"changed the hashes in envelope\.json"):
        write(REPORT, seal=hide, audit=dict, folder=tmp_path, recipients=recipients([str(key.to_public())]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("budget", [100_000, 400_000])
def test_the_budget_holds_for_what_is_on_the_disk(tmp_path, key, budget):
    info = sealed(tmp_path, key, report=noisy(sources=8, lines=2_000), budget_bytes=budget)
    assert info.bytes == info.path.stat().st_size <= budget
    assert list(tmp_path.iterdir()) == [info.path]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, key):
    import signal

    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(BundleError, match=r"can't be written to .*too large"):
            sealed(tmp_path, key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


# ---- from anyone ---------------------------------------------------------------------------------------


def test_without_a_key_the_envelope_is_read(tmp_path, key):
    info = sealed(tmp_path / "sealed", key)
    envelope = open_received(info.path)
    assert isinstance(envelope, Envelope)
    assert (envelope.id, envelope.verdict, envelope.created) == (info.id, "failed", REPORT.created)
    assert envelope.identity.scale_set == "vmss-web"
    assert isinstance(open_received(write(REPORT, seal=seal, audit=dict, folder=tmp_path / "plain").path), Bundle)


def changed(contents: dict[str, bytes], **fields: object) -> io.BytesIO:
    document = json.loads(contents[ENVELOPE]) | fields
    return repacked({**contents, ENVELOPE: json.dumps(document).encode()})


def test_an_envelope_or_payload_that_was_changed(tmp_path, key):
    contents = parts(sealed(tmp_path, key).path)
    document = json.loads(contents[ENVELOPE])
    keys = Identities((key,))
    other = Key.generate()
    bad_payload = pyrage.encrypt(b"PK nothing", [key.to_public()])
    fitting = document["payload"] | {"sha256": hashlib.sha256(bad_payload).hexdigest()}
    for file, words in (
        (changed(contents, id="../../etc/passwd"), "16 hexadecimal"),
        (changed(contents, verdict="fine"), "verdict is none of"),
        (changed(contents, schema=9), "newer version"),
        (changed(contents, payload=document["payload"] | {"name": "../x"}), "names a payload"),
        (repacked({**contents, PAYLOAD: contents[PAYLOAD] + b"x"}), "payload.age does not have the hash"),
        (repacked({**contents, "more.txt": b"x"}), "and no other"),
        (repacked({ENVELOPE: contents[ENVELOPE]}), "and no other"),
        (repacked({**contents, ENVELOPE: b"{" + b" " * 1_000_001}), "declares more than"),
    ):
        for look in (open_received, lambda file: open_bundle(file, identities=keys)):
            with pytest.raises(BundleError, match=words):
                look(file)
    for file, words in (
        (changed(contents, verdict="healthy"), "says another verdict"),
        (changed(contents, id="0123456789abcdef"), "says another id"),
        (changed(contents, findings=[]), "says another findings"),
        (changed(contents, content=document["content"] | {"sha256": "ab" * 32}), "does not have the hash"),
        (repacked({**contents, ENVELOPE: json.dumps(document | {"payload": fitting}).encode(), PAYLOAD: bad_payload}),
         "does not have the hash"),
    ):  # fmt: skip
        assert isinstance(open_received(file), Envelope), "no one without the key can know"
        with pytest.raises(BundleError, match=words):
            open_bundle(file, identities=keys)
    with pytest.raises(BundleError, match="can't be decrypted"):
        open_bundle(changed(contents), identities=Identities((other,)))


@pytest.mark.parametrize("step", range(0, 18_000, 487))
def test_one_flipped_byte_is_never_an_unknown_error(tmp_path, key, step):
    data = bytearray(sealed(tmp_path, key).path.read_bytes())
    data[step % len(data)] ^= 0xFF
    try:
        bundle = open_bundle(io.BytesIO(bytes(data)), identities=Identities((key,)))
    except BundleError:
        return
    assert bundle.failures == REPORT.failures


# ---- keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age1nonsense", "'age1nonsense' is no public key"),
        ("ssh-rsa AAAA", "is no public key"),
        ("", "is no public key"),
    ],
)
def test_a_recipient_that_is_none(text, words):
    with pytest.raises(ConfigError, match=words):
        recipients([text])


def test_a_private_key_is_never_repeated(tmp_path, key, key_file):
    for wrong in (lambda: recipients([str(key)]), lambda: identities(key_file)):
        key_file.write_text(str(key)[:-3])
        with pytest.raises(ConfigError) as error:
            wrong()
        assert str(key)[16:30] not in str(error.value) + error.value.hint


@pytest.mark.parametrize("content", ["", "# only a comment\n", "AGE-SECRET-KEY-1NONSENSE\n", "\0" * 100_000])
def test_an_identity_file_that_is_none(tmp_path, content):
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigError, match="--identity"):
        identities(tmp_path / "key")


# ---- the commands --------------------------------------------------------------------------------------


def test_collect_show_and_verify(tmp_path, key, key_file):
    disk, public = failing_disk(tmp_path / "disk"), tmp_path / "support.pub"
    public.write_text(f"# support\n{key.to_public()}\n")
    for number, arguments in enumerate([("--encrypt-to", key.to_public()), ("--encrypt-to", public)]):
        result = collect(disk, tmp_path / f"state{number}", *arguments)
        assert (result.code, result.json["bundle"]["encrypted"]) == (10, True), result.err
    file = Path(result.json["bundle"]["path"])
    assert "CustomScript exit 100" in vmext("show", "--identity", key_file, file).out
    assert json.loads(vmext("show", "--json", "--identity", key_file, file).out)["findings"][0]["exit_code"] == 100
    without = vmext("show", file)
    assert (without.code, "encrypted to age1" in without.err, "--identity" in without.err) == (2, True, True)
    checked = vmext("verify", file)
    assert (checked.code, "can only be checked with --identity" in checked.out) == (0, True)
    assert vmext("verify", "--identity", key_file, file).code == 0
    for command in (("compare", file, file), ("diagnose", file)):
        assert "encrypted" in vmext(*command).err


def test_the_configuration_and_the_environment_say_it(tmp_path, key):
    disk, config = failing_disk(tmp_path / "disk"), tmp_path / "vmext.toml"
    config.write_text(f'recipients = ["{key.to_public()}"]\n')
    told = collect(disk, tmp_path / "one", "--config", config)
    assert told.json["bundle"]["encrypted"] is True
    other = Key.generate().to_public()
    by_flag = collect(disk, tmp_path / "two", "--config", config, "--encrypt-to", other)
    assert json.loads(parts(Path(by_flag.json["bundle"]["path"]))[ENVELOPE])["recipients"] == [str(other)]
    (tmp_path / "pub").write_text(f"{other}\n")
    environ = {"VMEXT_RECIPIENTS": str(key.to_public()), "VMEXT_RECIPIENTS_FILE": str(tmp_path / "pub")}
    both = collect(disk, tmp_path / "three", environ=environ)
    assert json.loads(parts(Path(both.json["bundle"]["path"]))[ENVELOPE])["recipients"] == [
        str(key.to_public()),
        str(other),
    ]


def test_what_can_not_be_encrypted_is_never_written_in_the_clear(tmp_path, key):
    disk = failing_disk(tmp_path / "disk")
    blocked = tmp_path / "blocked" / "pyrage"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not here')\n")
    key_text = str(key.to_public())
    for arguments, environ, words in (
        (("--encrypt-to", key_text), {"PYTHONPATH": str(blocked.parent)}, "pip install '.[encrypt]'"),
        (("--encrypt-to", "age1nonsense"), {}, "is no public key"),
        (("--encrypt-to", tmp_path / "nothing"), {}, "can't be read"),
        (("--encrypt-to", str(key)), {}, "private key"),
        ((), {"VMEXT_RECIPIENTS_FILE": str(tmp_path / "nothing")}, "can't be read"),
        ((), {"VMEXT_RECIPIENTS": "age1x"}, "is no public key"),
    ):
        result = collect(disk, tmp_path / "state", *arguments, environ=environ)
        assert (result.code, words in result.err, "Traceback" in result.err) == (2, True, False), result.err
    assert not list(tmp_path.glob("state/**/*.zip"))


def test_an_unknown_later_field_of_an_envelope_is_no_error(tmp_path, key):
    contents = parts(sealed(tmp_path, key).path)
    file = changed(contents, later={"more": 1})
    assert isinstance(open_received(file), Envelope)
    assert open_bundle(file, identities=Identities((key,))).verdict == "failed"


def test_the_same_report_encrypted_twice_has_one_id(tmp_path, key):
    one, two = sealed(tmp_path / "one", key), sealed(tmp_path / "two", key)
    assert one.id == two.id
    assert one.sha256 != two.sha256, "age chooses a new file key each time"
    assert sealed(tmp_path / "three", key, report=replace(REPORT, agent_version="9")).id != one.id


@pytest.mark.parametrize("command", ["diagnose", "compare"])
def test_commands_that_go_through_many_read_encrypted_ones_too(tmp_path: Path, key: Any, key_file: Path, command: str):
    sealed(tmp_path / "bundles", key)
    plain = write(REPORT, seal=seal, audit=dict, folder=tmp_path / "plain")
    refused = vmext(command, tmp_path / "bundles")
    assert (refused.code, "give --identity KEY-FILE" in refused.err) == (2, True)
    wrong = tmp_path / "other.txt"
    wrong.write_text(f"{Key.generate()}\n")
    assert vmext(command, "--identity", wrong, tmp_path / "bundles").code == 2
    read = vmext(command, "--format", "json", "--identity", key_file, tmp_path / "bundles")
    in_clear = vmext(command, "--format", "json", plain.path)
    assert read.code == in_clear.code == 10
    assert read.out.replace("bundles/", "plain/") == in_clear.out.replace("bundles/", "plain/")
