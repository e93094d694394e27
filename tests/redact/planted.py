"""Secrets of every kind, made at random, planted into logs of every form: what must be gone afterwards is known."""

from __future__ import annotations

import base64
import json
import string
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from random import Random
from urllib.parse import quote, unquote

ALPHANUMERIC = string.ascii_letters + string.digits
BASE64 = ALPHANUMERIC + "+/"
URLSAFE = ALPHANUMERIC + "-_"
SHELL = ALPHANUMERIC + "!#^*+.~_-"  # what a password may hold without quotes, in either system
ANY = ALPHANUMERIC + "!#^*+.~_-@,:=?()[]{} "
PIECE = 6  # characters of a secret of which none may stay together


@dataclass(frozen=True)
class Planted:
    """A text with a secret in it. `urls`: may also stand in an address, encoded."""

    kind: str
    text: str
    secret: str
    urls: bool = False
    one_line: bool = True


def some(chance: Random, signs: str, length: int) -> str:
    """At least a capital, a small letter and a digit in it, and no place where signs do not belong."""
    while True:
        text = "".join(chance.choices(signs, k=length))
        kinds = (str.isupper, str.islower, str.isdigit)
        if text[0].isalnum() and text[-1].isalnum() and all(any(kind(sign) for sign in text) for kind in kinds):
            return text


def key(chance: Random, count: int) -> str:
    return base64.b64encode(chance.randbytes(count)).decode()


def kinds(chance: Random) -> Iterator[Planted]:
    """One of each kind."""
    word, long, free = some(chance, SHELL, 14), some(chance, SHELL, 24), some(chance, ANY, 18)
    signature, key64, key32 = key(chance, 32), key(chance, 64), key(chance, 32)
    encoded = quote(signature, safe="")
    token = f"eyJ0eXAiOiJKV1Qi{some(chance, URLSAFE, 20)}.eyJ{some(chance, URLSAFE, 60)}.{some(chance, URLSAFE, 86)}"
    store = "https://stcontoso.blob.core.windows.net/scripts/setup.sh"
    yield Planted("sas last", f"GET {store}?sv=2022-11-02&se=2027-01-01&sr=b&sp=r&sig={encoded}", signature, True)
    yield Planted("sas first", f"GET {store}?sig={encoded}&sv=2022-11-02&sp=r", signature, True)
    yield Planted("sas in the middle", f"{store}?sv=2022-11-02&sig={encoded}&sp=r", signature, True)
    yield Planted("sas in base64", f"BlobEndpoint={store};SharedAccessSignature=sv=2022&sig={signature}", signature)
    connection = (
        f"DefaultEndpointsProtocol=https;AccountName=stcontoso;AccountKey={key64};EndpointSuffix=core.windows.net"
    )
    yield Planted("storage connection string", connection, key64, True)
    yield Planted("cosmos", f"AccountEndpoint=https://c.documents.azure.com:443/;AccountKey={key64};", key64, True)
    bus = f"Endpoint=sb://b.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={key32}"
    yield Planted("service bus", bus, key32, True)
    yield Planted("account key alone", f"the key is {key64} now", key64)
    yield Planted("workspace key", f'{{"workspaceId": "x", "workspaceKey": "{key64}"}}', key64)
    yield Planted("az account key", f"az storage blob list --account-name x --account-key {key64} -o table", key64)
    sql = f"Server=tcp:db.database.windows.net,1433;User ID=sa;Password={long};Encrypt=True"
    yield Planted("sql connection string", sql, long)
    yield Planted("pwd", f"Driver=x;Server=db;Uid=sa;Pwd={long};", long)
    yield Planted("redis", f"c.redis.cache.windows.net:6380,password={key32},ssl=True,abortConnect=False", key32)
    yield Planted("jwt", f"token is {token} so", token)
    yield Planted("bearer", f"Authorization: Bearer {token}", token)
    opaque = some(chance, URLSAFE, 43)
    yield Planted("opaque bearer", f"authorization: bearer {opaque}", opaque)
    basic = base64.b64encode(f"web:{word}".encode()).decode()
    yield Planted("basic", f"Authorization: Basic {basic}", basic)
    imds = json.dumps({"access_token": token, "client_id": "x", "expires_in": "86399", "token_type": "Bearer"})
    yield Planted("imds token", imds, token)
    directory = f"{some(chance, ALPHANUMERIC, 3)}8Q~{some(chance, ALPHANUMERIC + '_-', 34)}"
    yield Planted("directory secret", f"login with {directory} failed", directory)
    yield Planted("client secret", f"client_id=x&client_secret={directory}&grant_type=client_credentials", directory)
    yield Planted("environment", f"export AZURE_CLIENT_SECRET={long}", long)
    yield Planted("service principal", f"az login --service-principal -u app -p {long} --tenant t", long)
    principal = json.dumps({"servicePrincipalId": "x", "servicePrincipalKey": long})
    yield Planted("service principal's key", principal, long)
    yield Planted("vault set", f"az keyvault secret set --vault-name v --name n --value {long}", long)
    shown = {"attributes": {"enabled": True}, "id": "https://v.vault.azure.net/secrets/n/1", "tags": {}, "value": free}
    yield Planted("vault show", json.dumps(shown), free)
    answer = {"value": long, "id": "https://v.vault.azure.net/secrets/n/1"}
    yield Planted("vault answer", json.dumps(answer), long)
    yield Planted("secure string", f"$p = ConvertTo-SecureString '{free}' -AsPlainText -Force", free)
    yield _settings(chance)
    clear = {"protectedSettings": {"commandToExecute": f"./x {free}", "more": {"a": word}}, "typeHandlerVersion": "2.1"}
    yield Planted("clear protected settings", json.dumps(clear), free)
    yield from _arguments(word, free)
    yield from _tools(word, long, free)
    script = f"#!/bin/bash\napt-get update\nmysql -u root -p{word} -e 'select 1'\nexit 0\n"
    packed = base64.b64encode(script.encode()).decode()
    yield Planted("packed script", f"message=running {packed} now", packed)
    windows = base64.b64encode(f"New-LocalUser -Password '{free}' -Name x".encode("utf-16-le")).decode()
    yield Planted("encoded command", f"powershell.exe -EncodedCommand {windows}", windows)
    body = base64.b64encode(word.encode() * 3).decode()
    yield Planted("script body", json.dumps({"script": body}), body)
    yield from _vendors(chance)
    yield Planted("url", f"git clone https://web:{word}@git.contoso.com/x.git", word)
    yield Planted("json", json.dumps({"adminUsername": "web", "adminPassword": free}), free)
    yield Planted("xml", f"<AutoLogon><Password><Value>{word}</Value></Password></AutoLogon>", word)
    yield Planted("name and value", json.dumps({"name": "DB_PASSWORD", "value": long}), long)
    yield Planted("asked for", f"The admin password: {long}", long)
    hashed = f"$6${some(chance, ALPHANUMERIC, 8)}${some(chance, ALPHANUMERIC + './', 86)}"
    yield Planted("hash", f"useradd -m -p '{hashed}' web", hashed[3:])
    body = "\n".join(textwrap.wrap(key(chance, 1190), 64))
    for name in ("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"):
        yield Planted(name, f"-----BEGIN {name}-----\n{body}\n-----END {name}-----", body, one_line=False)


def _settings(chance: Random) -> Planted:
    secret = key(chance, 300)
    return Planted("protected settings", json.dumps({"protectedSettings": secret, "typeHandlerVersion": "2.1"}), secret)


def _arguments(word: str, free: str) -> Iterator[Planted]:
    """Passwords in arguments, in the quotes of each shell."""
    for option in (
        "-Password ",
        "--password ",
        "--password=",
        "/p:",
        "-AdminPassword:",
        "/Password:",
        "--client-secret ",
    ):
        yield Planted(f"{option}bare", f"setup.exe {option}{word} -Role web", word)
        for mark in "\"'":
            yield Planted(f"{option}{mark}", f"setup.exe {option}{mark}{free}{mark} -Role web", free)
    listed = ["/bin/setup", "--password", free, "--role", "web"]
    yield Planted("arguments of python", f"running {listed}", free)
    yield Planted("arguments of go", "running [" + " ".join(f'"{part}"' for part in listed) + "]", free)
    yield Planted("arguments of json", f"running {json.dumps(listed)}", free)
    inside = f"ab'{word}"
    yield Planted("shell's quote in quotes", "x --password '" + inside.replace("'", "'\\''") + "' -r", word)
    yield Planted("powershell's quote in quotes", f"x -Password 'a''{word}' -r", word)
    yield Planted("json's quote in quotes", json.dumps({"cmd": f'x --password "a\\"{word}" -r'}), word)
    yield Planted("backtick in quotes", f'x -Password "a`"{word}" -r', word)


def _tools(word: str, long: str, free: str) -> Iterator[Planted]:
    yield Planted("sudo", f"RunAs cmd is echo {word} | sudo -S -u web bash", word)
    yield Planted("sudo, quoted", f"echo '{free}' | sudo -S -p '' id", free)
    yield Planted("chpasswd", f'echo "web:{word}" | chpasswd', word)
    yield Planted("sshpass", f"sshpass -p {word} ssh web@host", word)
    yield Planted("mysql", f"mysql -u root -p{word} -e 'select 1'", word)
    yield Planted("curl", f"curl -fsS -u web:{word} -O https://x.contoso.com/f", word)
    yield Planted("sqlcmd", f"sqlcmd -S db -U sa -P {word} -Q x", word)
    yield Planted("docker", f"docker login -u web -p {word} contoso.azurecr.io", word)
    yield Planted("net user", f"net user web {word} /add", word)
    yield Planted("net use", f"net use Z: \\\\host\\share {word} /user:web", word)
    yield Planted("mysql's variable", f"MYSQL_PWD={long} mysql -u root", long)
    yield Planted("powershell's variable", f"$adminPassword = '{free}'", free)


def _vendors(chance: Random) -> Iterator[Planted]:
    forms = {
        "github": "ghp_" + some(chance, ALPHANUMERIC, 36),
        "github, fine-grained": "github_pat_" + some(chance, ALPHANUMERIC, 22) + "_" + some(chance, ALPHANUMERIC, 59),
        "npm": "npm_" + some(chance, ALPHANUMERIC, 36),
        "pypi": "pypi-AgEIcHlwaS5vcmc" + some(chance, URLSAFE, 70),
        "aws": "AKIA" + "".join(chance.choices(string.ascii_uppercase + "234567", k=16)),
        "gcp": "AIza" + some(chance, URLSAFE, 35),
        "gcp's token": "ya29." + some(chance, URLSAFE, 60),
        "slack": f"xoxb-{chance.randrange(10**11, 10**12)}-{some(chance, ALPHANUMERIC, 24)}",
    }
    for name, secret in forms.items():
        yield Planted(name, f"using {secret} to connect", secret)
    aws = some(chance, BASE64, 40)
    yield Planted("aws's secret", f"aws_secret_access_key = {aws}", aws)


# ---- the logs ------------------------------------------------------------------------------------------

STAMP = "2026-05-04T03:12:14.118Z"
Form = Callable[[str], str]


def _go(text: str) -> str:
    return f"time={STAMP} level=info version=v2.1.6 operation=enable seq=3 msg={json.dumps(text)} exitcode=1"


def _status(text: str) -> str:
    message = {"lang": "en-US", "message": f"Enable failed: [stdout]\n{text}\n[stderr]\n"}
    return json.dumps([{"version": 1, "status": {"status": "error", "code": 1, "formattedMessage": message}}])


FORMS: dict[str, Form] = {
    "output": lambda text: text,
    "waagent": lambda text: f"{STAMP} INFO ExtHandler [Contoso.Setup-1.0.3] {text}",
    "old waagent": lambda text: f"2018/02/21 02:31:25.001000 INFO [Contoso.Setup-1.0.3] {text}",
    "handler of go": _go,
    "handler of windows": lambda text: f"[2200+00000001] [08/21/2023 13:01:02.45] [INFO] {text}",
    "windows agent": lambda text: f"[00000010] 2023-08-21T13:01:02.450Z [INFO]  {text}",
    "python logger": lambda text: f"2026-05-04 03:12:14,118 - setup - ERROR - {text}",
    "syslog": lambda text: f"May  4 03:12:14 vm1 setup[871]: {text}",
    "json lines": lambda text: json.dumps({"ts": STAMP, "level": "error", "msg": text, "code": 1}),
    "status file": _status,
    "json in json": lambda text: json.dumps({"event": json.dumps({"Message": text, "Version": "2.1.6"}), "code": 1}),
    "json in json in json": lambda text: json.dumps([json.dumps(json.dumps({"m": text, "v": 1}))]),
    "xml": lambda text: f'<Event Level="2"><Data Name="Message">{escape(text)}</Data><Code>1</Code></Event>',
}
#: `{}` is where the text stands in the message.
POSITIONS = {"start": "{} failed with exit code 1", "middle": "step 3: {} ended with 1", "end": "exit code 1 from: {}"}
WIDTHS = (80, 100, 120)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le")


@dataclass(frozen=True)
class Case:
    planted: Planted
    where: str
    text: str


def corpus(chance: Random) -> Iterator[Case]:
    """Each kind in each form of log at each position, and wrapped; and in addresses where it may stand there."""
    for planted in kinds(chance):
        for form_name, form in FORMS.items():
            for position, place in POSITIONS.items():
                text = form(place.format(planted.text) if planted.one_line else planted.text)
                yield Case(planted, f"{form_name}, {position}", f"{STAMP} INFO before\n{text}\n{STAMP} INFO after\n")
        if planted.one_line:
            for width in WIDTHS:
                yield from _wrapped(planted, width)
        if planted.urls:
            for times in (1, 2):
                text = planted.text
                for _ in range(times):
                    text = quote(text, safe="")
                yield Case(planted, f"encoded {times} times", f"GET https://x.contoso.com/?next={text}&x=1 -> 403\n")


def _wrapped(planted: Planted, width: int) -> Iterator[Case]:
    """Output of a terminal of that width, with the break at several places of the secret."""
    at = planted.text.find(planted.secret)
    if at < 0:
        return
    for into in (1, len(planted.secret) // 2, len(planted.secret) - 2):
        lead = (width - (at + into)) % width
        text = ("Setting up the web role of this machine now, please wait. " * 4)[:lead]
        whole = text[:-1] + " " + planted.text if lead else planted.text
        rows = [whole[begin : begin + width] for begin in range(0, len(whole), width)]
        if any(row != row.strip() for row in rows[:-1]):
            continue
        yield Case(planted, f"wrapped at {width} after {into}", "before\n" + "\n".join(rows) + "\n\nafter\n")


def leaks(case: Case, redacted: str) -> str:
    """A piece of the secret that is still there, in any of the encodings; "" where there is none."""
    plain = redacted
    for _ in range(3):
        plain = unquote(plain)
    plain = plain.replace("\\", "").replace("\n", "")
    secret = case.planted.secret.replace("\n", "")
    given = case.text.replace("\n", "").replace("\\", "")
    for begin in range(max(len(secret) - PIECE, 0) + 1):
        piece = secret[begin : begin + PIECE]
        if piece in plain and plain.count(piece) > given.replace(secret, "").count(piece) * bool(secret in given):
            return piece
    return ""
