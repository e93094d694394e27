"""Lines that say what a plain word in them is."""

from __future__ import annotations

#: Forms that need no look of chance about the secret itself; @ stands for it.
FORMS = (
    """\
PASS=@|DB_PASS: @|tool --pass @|openssl -passin pass:@|ansible_become_pass=@|passcode: @|cmdkey /add:h /user:u /pass:@
keytool -storepass @|pw=@|user=a PW: @|wpa_psk=@|creds=@|salt=@|senha=@|clave: @|wachtwoord: @|lozinka: @|has\u0142o: @
heslo: @|l\u00f6senord: @|mot_de_passe=@|motdepasse=@|parola: @|adgangskode: @|salasana=@|jelsz\u00f3: @
\u043f\u0430\u0440\u043e\u043b\u044c: @|Cookie: session=@|Set-Cookie: sid=@; Path=/|https://hooks.slack.com/services/T1/B1/@
webhook https://x.webhook.office.com/webhookb2/@|+ useradd -p @ bob|psexec -u a -p @|mongo -u a -p @|redis-cli -a @ ping
ldapsearch -D cn=a -w @|smbclient //h/s -U user%@|zip -P @ f|7z x -p@ f|sqlplus scott/@@db|vault login @|schtasks /rp @
cryptsetup luksOpen /dev/sdc data <<< @|ftp://u:p/@@h/|curl -H 'X-Auth: @' h|http -a u:@ h|_auth = @
Digest username="u", response="@"|activation code @|license key @|Instrumentation Key @
using token @|the key @ was sent|token "@" accepted|admin:@|connecting as azureuser:@|sa:@|token token @
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
