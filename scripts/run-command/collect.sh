#!/bin/sh
# Says why a virtual-machine extension failed, wherever it is started by Run Command:
#
#   az vmss run-command invoke -g GROUP -n SET --instance-id N --command-id RunShellScript --scripts @collect.sh \
#      --parameters VMEXT_PACKAGE_URL=https://... VMEXT_PACKAGE_SHA256=...
#
# It runs the vmext that is installed. Where there is none, it fetches the package, checks its hash, runs it from a
# folder that only root can write to, and removes it. Where that can't be had either, it tells by itself what the files
# of the guest agent and its extensions say, with everything hidden that looks like a secret.
#
# Standard output is a verdict of at most 4,096 bytes and nothing else; the exit code is 0 once it is printed. It reads
# no standard input. The work goes on where Run Command stops waiting, and ends by itself; a call that comes meanwhile
# tells how far it is.
#
# Parameters, in the environment or as NAME=VALUE arguments, as Run Command hands them over; or written in here:
: "${VMEXT_PACKAGE_URL:=}"          # the .tar.gz; {arch} stands for x86_64 or aarch64
: "${VMEXT_PACKAGE_SHA256:=}"       # its SHA-256; several, with commas, where there is more than one architecture
: "${VMEXT_COLLECT_ARGUMENTS:=}"    # for vmext collect, with blanks between them: --since 2h --no-upload
: "${VMEXT_COLLECT_ROOT:=}"         # a mounted disk in place of this machine
: "${VMEXT_COLLECT_SECONDS:=600}"   # the whole of it takes no longer
: "${VMEXT_COLLECT_WAIT:=30}"       # seconds that a second call waits for the first
: "${VMEXT_UNPACK_FOLDERS:=/opt /var/lib /usr/local /root}"  # the first that is root's and allows execution
: "${VMEXT_STATE_FOLDERS:=/run /var/run /var/lib /opt}"      # for the lock and the answer; the first that is root's

PACKAGE_MOST=67108864  # bytes
FREE_LEAST=98304       # KB that must be free where the package is unpacked

# ---- small things ---------------------------------------------------------------------------------------

note() { printf '%s\n' "vmext: $*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

now() { date +%s; }

left() { # seconds until the deadline, at least 1
  set -- $((until - $(now)))
  if [ "$1" -gt 1 ]; then echo "$1"; else echo 1; fi
}

# Whether a folder is ours (root's, where root runs this) and nobody else can write to it.
closed_folder() {
  [ -d "$1" ] && [ ! -h "$1" ] || return 1
  # shellcheck disable=SC2012 # stat differs between systems; modes and owner stand at fixed places of ls
  ls -ldn "$1/." 2>/dev/null | awk -v me="$(id -u)" '{ exit !($3 == me && substr($1, 6, 1) != "w" && substr($1, 9, 1) != "w") }'
}

# Sends a signal to a process and to all that it started, which without setsid(1) are no group of their own.
end_all() { # SIGNAL PID
  ended=$2
  next=$2
  while [ -n "$next" ]; do
    next=$(for one in $next; do sed -n "s/^\([0-9]*\) (.*) [A-Za-z] $one .*/\1/p" /proc/[0-9]*/stat 2>/dev/null; done | tr '\n' ' ')
    next=${next% }
    ended="$ended $next"
  done
  # shellcheck disable=SC2086 # numbers
  kill -"$1" $ended 2>/dev/null
}

# Of a subshell that only waits: TERM ends it together with its sleep, also where that is just being started.
wakes() {
  nap=
  stop=
  trap 'stop=1; kill "$nap" 2>/dev/null' TERM
}

nap_of() { # SECONDS
  sleep "$1" &
  nap=$!
  [ -z "$stop" ] || kill "$nap" 2>/dev/null
  wait "$nap"
  [ -z "$stop" ] || exit 0
}

# Ends a process and all that it started after so many seconds. Itself it is ended by TERM, at once: it runs in a
# subshell of its own.
end_later() { # SECONDS PID
  wakes
  nap_of "$1"
  end_all TERM "$2"
  nap_of 3
  end_all KILL "$2"
}

# Runs a command for at most so many seconds, without timeout(1), which old systems lack.
limited() {
  seconds=$1
  shift
  { "$@" <&3 3<&- & } 3<&0 # what runs in the background would have no standard input otherwise
  child=$!
  (end_later "$seconds" "$child") >/dev/null 2>&1 &
  dog=$!
  wait "$child"
  ended=$?
  kill -TERM "$dog" 2>/dev/null
  wait "$dog" 2>/dev/null
  return "$ended"
}

step() { printf '%s\n' "$*" >"$lock/step" 2>/dev/null; }

why() { # the reasons, in order, for the reduced verdict
  note "$*"
  printf '%s\n' "$*" >>"$lock/why" 2>/dev/null
}

# ---- vmext ----------------------------------------------------------------------------------------------

installed() {
  PATH="$PATH:/usr/local/sbin:/usr/local/bin:/opt/vmext/bin:/usr/lib/vmext/bin" command -v vmext
}

# Whether a file ends as a whole verdict does.
is_verdict() {
  tail -n 1 "$1" 2>/dev/null | grep -q -e '^VMEXT [A-Z].*; \(bundle [^ ]* \(not \)\{0,1\}[ds].*\|no bundle, not delivered\)$' \
    -e '^{.*"verdict".*}$'
}

# Runs one, and keeps what it prints if that is a verdict.
verdict_of() {
  root=
  [ -z "$VMEXT_COLLECT_ROOT" ] || root=--root
  (
    unset VMEXT_PACKAGE_URL VMEXT_PACKAGE_SHA256
    set -f
    # shellcheck disable=SC2086 # the arguments are words with blanks between them
    set -- "$1" collect $root ${root:+"$VMEXT_COLLECT_ROOT"} $VMEXT_COLLECT_ARGUMENTS
    set +f
    limited "$(left)" "$@"
  ) </dev/null 2>"$lock/err" | tail -c 4096 >"$lock/out"
  if is_verdict "$lock/out"; then
    mv "$lock/out" "$lock/answer"
    return 0
  fi
  rm -f "$lock/out"
  # Its own errors have passed its redaction. What a crash of Python writes has not, and is not told.
  said=$(sed -n -e 's/^vmext: //p' -e 's/^Error: //p' -e 's/.*[Ee]xec format error.*/it is built for another processor/p' "$lock/err" | tail -n 1 | cut -c 1-200)
  said=${said:+: $said}
  return 1
}

# ---- the package ----------------------------------------------------------------------------------------

fetch() { # URL FILE; the address goes by standard input where it can, since others can read arguments
  blocks=$((PACKAGE_MOST / 512))
  if have curl; then
    printf 'url = "%s"\n' "$1" | (ulimit -f "$blocks"; curl -fsSL --max-time "$(($(left) / 2 + 1))" --connect-timeout 20 --retry 1 -K - -o "$2" 2>/dev/null)
  elif have wget && wget --version 2>/dev/null | grep -q GNU; then
    printf '%s\n' "$1" | (ulimit -f "$blocks"; wget -q -T 20 -t 3 -O "$2" -i - 2>/dev/null)
  elif have wget; then
    (ulimit -f "$blocks"; limited "$(left)" wget -q -O "$2" "$1" </dev/null 2>/dev/null)
  else
    why "neither curl nor wget is here to fetch the package"
    return 1
  fi || {
    why "the package could not be fetched within its time and size"
    return 1
  }
  [ "$(wc -c <"$2")" -le "$PACKAGE_MOST" ] || {
    why "the package is larger than $PACKAGE_MOST bytes"
    return 1
  }
}

hash_of() {
  if have sha256sum; then sha256sum "$1"
  elif have shasum; then shasum -a 256 "$1"
  elif have openssl; then openssl dgst -sha256 -r "$1"
  fi 2>/dev/null | awk '{ print tolower($1); exit }'
}

hash_holds() {
  got=$(hash_of "$1")
  [ -n "$got" ] || {
    why "nothing is here to check the package's SHA-256 with"
    return 1
  }
  case ",$(printf '%s' "$VMEXT_PACKAGE_SHA256" | tr 'ABCDEF ' 'abcdef,')," in
    *",$got,"*) return 0 ;;
  esac
  why "the package does not have the SHA-256 that was given; it was removed unopened"
  return 1
}

# Makes a folder in the first place that is root's, allows execution and has room. Its name goes to $unpacked.
unpack_folder() {
  for parent in $VMEXT_UNPACK_FOLDERS; do
    closed_folder "$parent" || continue
    free=$(df -Pk "$parent" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free:-0}" -ge "$FREE_LEAST" ] || continue
    for unpacked in "$parent"/.vmext-run.*; do # of a call that was killed; we have the lock, so that none works
      [ ! -d "$unpacked" ] || runs "${unpacked##*.}" || rm -rf "$unpacked"
    done
    unpacked=$parent/.vmext-run.$$
    printf '%s\n' "$unpacked" >"$lock/unpacked"
    (umask 077 && mkdir "$unpacked") 2>/dev/null || continue
    printf '#!/bin/sh\nexit 0\n' >"$unpacked/try" && chmod 700 "$unpacked/try" && "$unpacked/try" 2>/dev/null && return 0
    rm -rf "$unpacked"
  done
  unpacked=
  why "no folder is root's alone, allows execution and has $((FREE_LEAST / 1024)) MB free (looked at: $VMEXT_UNPACK_FOLDERS)"
  return 1
}

brought() {
  [ -n "$VMEXT_PACKAGE_URL" ] || {
    why "no package was named (VMEXT_PACKAGE_URL)"
    return 1
  }
  [ -n "$VMEXT_PACKAGE_SHA256" ] || {
    why "no SHA-256 of the package was given (VMEXT_PACKAGE_SHA256), so that it was not fetched"
    return 1
  }
  unpack_folder || return 1
  step "fetching the package"
  arch=$(uname -m)
  address=$(printf '%s' "$VMEXT_PACKAGE_URL" | sed "s/{arch}/$arch/g")
  fetch "$address" "$unpacked/package.tar.gz" && hash_holds "$unpacked/package.tar.gz" || return 1
  step "unpacking the package"
  (cd "$unpacked" && gzip -dc package.tar.gz 2>/dev/null | tar -xof - 2>/dev/null) || {
    why "the package could not be unpacked into $unpacked (is it the .tar.gz? is the disk full?)"
    return 1
  }
  rm -f "$unpacked/package.tar.gz"
  if [ -e /sys/fs/selinux/enforce ] || { have selinuxenabled && selinuxenabled; }; then
    have restorecon && restorecon -R "$unpacked" >/dev/null 2>&1
  fi
  for program in "$unpacked"/*/bin/vmext; do
    [ -x "$program" ] || break
    step "collecting with the package"
    verdict_of "$program" && return 0
    why "the vmext of the package gave no verdict$said"
    return 1
  done
  why "the package holds no VERSION/bin/vmext"
  return 1
}

# The whole work. It leaves $lock/answer, or the reasons why there is none.
work() {
  if program=$(installed); then
    step "collecting with the vmext that is installed"
    verdict_of "$program" && return 0
    why "the vmext that is installed ($program) gave no verdict$said"
  else
    why "vmext is not installed here"
  fi
  brought
}

# ---- the reduced verdict --------------------------------------------------------------------------------

# Text of one file behind a line that names it: ASCII, every line marked, so that no file can pass for another.
told() { # HEAD FILE BYTES head|tail
  plain_file "$2" || return 0
  printf '#%s\n' "$1"
  first_line=1
  # of a line that is cut, what said that it holds a secret may be gone; the size by ls, since wc may read it all
  # shellcheck disable=SC2012
  [ "$4" = head ] || [ "$(ls -ldn "$2" | awk '{ print $5; exit }')" -le "$3" ] || first_line=2
  if [ "$4" = head ]; then head -c "$3" "$2"; else tail -c "$3" "$2"; fi 2>/dev/null |
    LC_ALL=C tr -d '\000' | tr '\r' '\n' | LC_ALL=C tr -c '\011\012\040-\176' '?' |
    tail -n "+$first_line" | sed 's/^/|/'
  echo
}

# Whether it can be read without waiting and without leaving its folder: no pipe, no device, no link.
plain_file() { [ -f "$1" ] && [ ! -h "$1" ] && [ -r "$1" ]; }

plain_folder() { [ -d "$1" ] && [ ! -h "$1" ]; }

# Whether a folder lies on the disk that was given: a link on it may lead to this machine's own.
on_disk() {
  [ -n "$VMEXT_COLLECT_ROOT" ] || return 0
  real=$(cd "$1" 2>/dev/null && pwd -P) && disk=$(cd "$VMEXT_COLLECT_ROOT" 2>/dev/null && pwd -P) || return 1
  case $real in "${disk%/}"/*) return 0 ;; esac
  return 1
}

word_of() { printf '%s' "$1" | tr -c 'A-Za-z0-9._+-' '?'; } # a name as one word of ASCII

listed() { # plain_file|plain_folder PATH...; the names of those that are one
  kind=$1
  shift
  for one in "$@"; do ! "$kind" "$one" || printf '%s\n' "${one##*/}"; done
}

newest() { # of the names on standard input that end in .N or .N.SUFFIX: the highest N for each name before it
  awk -v suffix="$1" '
    { if (suffix != "" && substr($0, length($0) - length(suffix) + 1) != suffix) next
      rest = substr($0, 1, length($0) - length(suffix)); count = split(rest, part, "."); number = part[count]
      if (number !~ /^[0-9]+$/) next
      name = substr(rest, 1, length(rest) - length(number))
      if (!(name in most) || number + 0 > most[name]) { most[name] = number + 0; as[name] = $0 } }
    END { for (name in as) print as[name] }' | head -n 30
}

sources() {
  LC_ALL=C
  export LC_ALL
  root=${VMEXT_COLLECT_ROOT%/}
  state=$root/var/lib/waagent
  on_disk "$state" || state=/nonexistent
  count=0
  for folder in "$state"/*-[0-9]*; do
    plain_folder "$folder" || continue
    [ "$count" -lt 60 ] || continue
    count=$((count + 1))
    called=$(word_of "${folder##*/}")
    handler=${called%-*}
    version=${called##*-}
    word=
    if plain_folder "$folder/config"; then
      ! plain_file "$folder/config/HandlerState" || word=$(head -c 40 "$folder/config/HandlerState" 2>/dev/null | tr -cd 'A-Za-z')
    fi
    [ -n "$word" ] || [ -d "$folder/status" ] || [ -d "$folder/config" ] || continue
    printf '#V %s %s %s\n' "$handler" "$version" "${word:--}"
    ! plain_folder "$folder/config" || told "H $handler $version - HandlerStatus" "$folder/config/HandlerStatus" 65536 head
    plain_folder "$folder/status" || continue
    listed plain_file "$folder/status"/*.status | newest .status | while IFS= read -r name; do
      told "S $handler $version $(word_of "$name") status" "$folder/status/$name" 65536 head
    done
  done
  for folder in "$state"/custom-script/download "$state"/run-command-handler/download/*; do
    plain_folder "$folder" || continue
    number=$(listed plain_folder "$folder"/* | newest '' | head -n 1)
    [ -n "$number" ] || continue
    called=$(word_of "${folder##*/}")
    case $folder in
      */custom-script/*) told "E CustomScript - - custom-script/download/$number/stderr" "$folder/$number/stderr" 16384 tail ;;
      *) told "E RunCommandHandlerLinux - $called run-command-handler/download/$called/$number/stderr" "$folder/$number/stderr" 16384 tail ;;
    esac
  done
  ! on_disk "$root/var/log" || told "A - - - waagent.log" "$root/var/log/waagent.log" 393216 tail
}

# Why there is nothing to find, so that a disk that this script can't read is not taken for one without a failure.
nothing_there() {
  root=${VMEXT_COLLECT_ROOT%/}
  [ ! -d "$root/var/lib/waagent" ] && [ ! -e "$root/var/log/waagent.log" ] || return 0
  if [ ! -d "$root/" ]; then
    echo "$root is no folder"
  elif [ -d "$root/WindowsAzure" ] || [ -d "$root/Packages/Plugins" ] || [ -d "$root/Windows/System32" ]; then
    echo "this is a disk of Windows, which this script can't read: vmext collect --root does"
  else
    echo "no files of a guest agent are below $root/"
  fi
}

# Says it by itself. Where not even awk works, that is what it says: a verdict that nothing was looked at.
reduced() {
  reasons=$({ nothing_there; tail -n 4 "$lock/why" 2>/dev/null; } | tr '\n' ';' | LC_ALL=C tr -cd '\040-\176' | sed 's/;$//; s/;/; /g')
  said=$(sources 2>/dev/null | LC_ALL=C limited 60 awk -v now="$(now)" -v why="$reasons" "$REDUCED" 2>/dev/null)
  case $said in
    *"; no bundle, not delivered") printf '%s\n' "$said" ;;
    *)
      printf '%s\n' "VMEXT NOTHING FOUND: neither vmext nor awk works on this instance" \
        "Why    nothing was looked at; the failure may be there all the same" \
        "VMEXT NOTHING FOUND; no bundle, not delivered"
      ;;
  esac
}

# Kept to what every awk has: no intervals in patterns, no functions of GNU, no arrays of arrays.
# shellcheck disable=SC2016 # awk's own dollars
SECRETS='
# ---- secrets: a line that may hold one goes as a whole; so does any word that looks made by chance ----

function plain(text) { # without escapes and encodings, small letters
  gsub(/\\/, "", text)
  for (round = 0; round < 3; round++) gsub(/%25/, "%", text)
  gsub(/%3[Dd]/, "=", text); gsub(/%3[Aa]/, ":", text); gsub(/%2[Ff]/, "/", text); gsub(/%20/, " ", text)
  gsub(/%26/, "\\&", text); gsub(/%3[Ff]/, "?", text); gsub(/%40/, "@", text); gsub(/%22/, "\"", text)
  gsub(/&quot;/, "\"", text); gsub(/&amp;/, "\\&", text); gsub(/&#x27;|&#39;/, "\047", text)
  return tolower(text)
}

BEGIN { FOLLOWING = "^(expired|expires|expiry|endpoint|requests?|requested|servers?|services?|cannot|couldn|failed|fails|failure|failures|invalid|missing|required|exchange|provider|refresh|refreshed|returned|rejected|response|contains|length|format|algorithm|fingerprint|validation|authentication|because|before|should|through|within|without|another|already|matches|mismatch|values?|vaults?|stored|errors?|exceptions?|signed|imported|import|installed|downloaded|generated|created|retrieved|acquired|revoked|identifier|header|parameter|audience|issuer|unknown|denied|material|handling|manager)$" }

function risky(text) {
  text = plain(text)
  if (text ~ /passw|pwd|passphrase|secret|kennwort|passwort|contrase|mot de passe|credential|authoriz|bearer|basic /) return 1
  if (text ~ /(account|access|shared|api|workspace|primary|secondary|private|storage|ssh|encryption|master|function|host)[ _-]?key/) return 1
  if (text ~ /key[ _"\047]*[:=]|key is|keyvault|vault\.azure|--key|[?&;" ]sig=|^sig=|signature|sharedaccess|connectionstring|endpoint=/) return 1
  if (text ~ /token["\047]*[ ]*[:=]|token is|(access|refresh|id|sas|auth)[_-]?token|--token|eyj[a-z0-9]|service-?principal/) return 1
  if (text ~ /protectedsettings|handlersettings|runtimesettings|json config|encodedcommand|-enc |securestring|"script"|"value"|(commandtoexecute|fileuris)["\047 ]*[:=]/) return 1
  if (text ~ /chpasswd|sshpass|sudo -s|net use|net\.exe use|sqlcmd|docker login|mysql|curl .*-u|wget .*--user|-u [^ ]+:|\/p:|az login/) return 1
  if (text ~ /:\/\/[^\/ ]*@|ghp_|github_pat|npm_|pypi-|xox[abprs]-|akia|aiza|ya29|glpat|sk_live|8q~|iyev|\$[0-9][a-z]?\$/) return 1
  if (text ~ /pass["\047]*[ ]*[:=]|--?pass |passin|passcode|storepass|(^|[^a-z])(pw|pin|psk|creds?|salt|otp|clave|senha|_auth)["\047]*[ ]*[:=]/) return 1
  if (text ~ /wachtwoord|lozinka|has.?.?o *[:=]|heslo|l.?.?senord|mot_?de_?passe|parola *[:=]|adgangskode|salasana|jelsz|\?\?\?\?+ *[:=]/) return 1
  if (text ~ /cookie|webhook|hooks\.slack|x-auth|response="|ansible_vault|recovery key|(licen[sc]e|activation|instrumentation|product)[ _-]*(key|code)|:\/\/[^ \/]*:[^ ]*@/) return 1
  if (text ~ /(useradd|usermod|psexec|mongo[a-z]*|plink|redis-cli|ldap[a-z]+|smbclient|htpasswd|zip|7za?|http) .*-[pwabun]/) return 1
  if (text ~ /sqlplus|vault login|cmdkey|schtasks .*\/rp|cryptsetup .*<<</) return 1
  return text ~ /begin [a-z0-9 ]*key|begin cert|private key/ || named(text)
}

# A token or a key and behind it what is no word that logs have there; an account and its password.
function named(text,   word, user) {
  while (match(text, /(^|[^a-z0-9])(token|key) +[^ ]+/)) {
    word = substr(text, RSTART, RLENGTH)
    sub(/^.*(token|key) +/, "", word); gsub(/^[^a-z0-9]+|[^a-z0-9]+$/, "", word)
    if (length(word) > 5 && word !~ FOLLOWING) return 1
    text = substr(text, RSTART + 3)
  }
  while (match(text, /(^|[^a-z0-9_.\/@-])(admin[a-z]*|[a-z]*user|root|sa|postgres|oracle|deploy|svc[a-z_-]*):[^ :\/]+/)) {
    word = substr(text, RSTART, RLENGTH); user = word
    sub(/^[^:]*:/, "", word); sub(/:.*/, "", user); gsub(/[^a-z]/, "", user); gsub(/^[^a-z0-9]+|[^a-z0-9]+$/, "", word)
    if (length(word) > 3 && word != user && word !~ /^(root|wheel|users|docker|sudo|staff|daemon|syslog|nogroup|nobody|www-data)$/) return 1
    text = substr(text, RSTART + 3)
  }
  return 0
}

function by_chance(word,   runs, count, number, part, place, sign, kind, before, changes, lower, upper, digit) {
  gsub(/\\[nrt"\\\/]/, " ", word)
  if (word ~ /%[0-9A-Fa-f][0-9A-Fa-f].*%[0-9A-Fa-f][0-9A-Fa-f]/) return 1
  if (word ~ /[!#^*~$].*[A-Za-z0-9]/ && word ~ /[0-9]/ && word ~ /[A-Za-z]/) return 1
  if (word ~ /^[A-Za-z0-9+\/]+=$|==$/) return 1
  count = split(word, runs, /[^A-Za-z0-9]/)
  for (number = 1; number <= count; number++) {
    part = runs[number]
    if (length(part) < 5) continue
    lower = part ~ /[a-z]/; upper = part ~ /[A-Z]/; digit = part ~ /[0-9]/
    if (lower && upper && digit && part !~ /^[A-Z]?[a-z]+[0-9]+$/ && part !~ /^([A-Z][a-z][a-z][a-z]+)+[0-9]?[0-9]?([A-Z][a-z][a-z][a-z]+)*$/) return 1
    if (length(part) < 9) continue
    changes = 0; before = ""
    for (place = 1; place <= length(part) && place <= 80; place++) {
      sign = substr(part, place, 1)
      kind = sign ~ /[a-z]/ ? "l" : (sign ~ /[A-Z]/ ? "u" : "d")
      if (before != "" && kind != before) changes++
      before = kind
    }
    if (changes * 5 > length(part) * 2 && part !~ /^[0-9]+T[0-9]+Z?$/) return 1
    if (length(part) >= 28 && digit && (lower || upper)) return 1
  }
  return 0
}

function masked(text,   words, count, number, result, word) {
  gsub(/\?[^ "\047]*=[^ "\047]*/, "?[hidden]", text)
  count = split(text, words, " ")
  result = ""
  for (number = 1; number <= count; number++) {
    word = words[number]
    if (word != "[hidden]" && by_chance(word)) word = "[hidden]"
    result = result (number > 1 ? " " : "") word
  }
  return result
}

# Hides in lines 1 to count of the array. Two lines may be one that a terminal broke, so they are also looked at joined.
function hide(lines, count,   number, bad, key, end, long) {
  key = 0
  for (number = 1; number <= count; number++) bad[number] = risky(lines[number])
  for (number = 1; number < count; number++)
    if (!bad[number] && !bad[number + 1] && length(lines[number]) >= 40 && risky(lines[number] lines[number + 1]))
      bad[number] = bad[number + 1] = 1
  for (number = 1; number <= count; number++) {
    if (lines[number] ~ /-BEGIN [A-Z ]*KEY/) key = 80
    end = lines[number] ~ /-END [A-Z ]*KEY/
    if (key > 0) { bad[number] = 1; key-- }
    if (end) key = 0
    # what follows a long line that goes may be the rest of it, and what stands before it its beginning
    long = length(lines[number - 1]) >= 60
    if (number > 1 && was && long && lines[number] !~ /^[12][0-9][0-9][0-9][-\/]|^$/) bad[number] = 1
    if (number < count && bad[number + 1] && length(lines[number]) >= 60 && lines[number] !~ /^[12][0-9][0-9][0-9][-\/]/) bad[number] = 1
    was = bad[number]
  }
  was = 0
  for (number = 1; number <= count; number++)
    lines[number] = bad[number] ? "[hidden: this line may hold a secret]" : masked(lines[number])
}

'
# shellcheck disable=SC2016 # awk's own dollars
REDUCED=$SECRETS'
# ---- JSON: values by their path, as "status.formattedMessage.message"; 0 where the text is none ----

function skip() { while (at <= size && substr(text_, at, 1) ~ /[ \t\n]/) at++ }

function string(   from, piece, slash) { # at the opening quote; gives what stands between, escapes and all
  from = ++at
  for (;;) {
    piece = index(substr(text_, at, 200), "\"")   # most are short, and the rest of the file is long
    if (!piece) piece = index(substr(text_, at), "\"")
    if (!piece) return broken()
    at += piece
    for (slash = at - 2; slash >= from && substr(text_, slash, 1) == "\\"; slash--);
    if ((at - 2 - slash) % 2 == 0) break
  }
  return substr(text_, from, at - 1 - from)
}

function broken() { wrong = 1; at = size + 1; return "" }

function value(path, depth,   sign, name, from, raw) {
  if (depth > 12 || wrong || ++values > 4000) return broken()
  skip()
  sign = substr(text_, at, 1)
  if (sign == "{" || sign == "[") {
    at++
    for (;;) {
      skip()
      if (substr(text_, at, 1) == (sign == "{" ? "}" : "]")) { at++; return }
      if (at > size || wrong) return broken()
      name = ""
      if (sign == "{") {
        if (substr(text_, at, 1) != "\"") return broken()
        name = string(); skip()
        if (substr(text_, at, 1) != ":") return broken()
        at++
      }
      value(path (path != "" && name != "" ? "." : "") name, depth + 1)
      skip()
      if (substr(text_, at, 1) == ",") at++
      else if (substr(text_, at, 1) != (sign == "{" ? "}" : "]")) return broken()
    }
  }
  if (sign == "\"") raw = unescaped(string())
  else {
    from = at
    while (at <= size && substr(text_, at, 1) ~ /[-+.0-9a-zA-Z]/) at++
    if (at == from) return broken()
    raw = substr(text_, from, at - from)
  }
  if (!(path in json)) json[path] = raw
  else if (raw != "") json[path] = json[path] "\n" raw
}

function unescaped(raw,   result, place) {
  result = ""
  while (place = index(raw, "\\")) {
    result = result substr(raw, 1, place - 1)
    sign_ = substr(raw, place + 1, 1)
    raw = substr(raw, place + 2)
    if (sign_ == "n" || sign_ == "r") result = result "\n"
    else if (sign_ == "t") result = result " "
    else if (sign_ == "u") { result = result unicode(substr(raw, 1, 4)); raw = substr(raw, 5) }
    else if (sign_ != "b" && sign_ != "f") result = result sign_
  }
  return result raw
}

function unicode(hex,   number, place) {
  number = 0
  for (place = 1; place <= 4; place++) number = number * 16 + index("0123456789abcdef", tolower(substr(hex, place, 1))) - 1
  return number == 10 || number == 13 ? "\n" : (number >= 32 && number < 127 ? sprintf("%c", number) : "?")
}

function parsed(text,   path) { # into json[]; whether it was whole
  for (path in json) delete json[path]
  sub(/^[?]+/, "", text)
  text_ = text; size = length(text); at = 1; wrong = values = 0
  skip()
  if (substr(text_, at, 1) !~ /[{[]/) return 0
  value("", 0); skip()
  return !wrong && at > size
}

# ---- what stands where ----

function short(name) { sub(/.*\./, "", name); return name }

function later(a, b,   as, bs, number, count) { # whether version a is later than b
  count = split(a, as, "."); split(b, bs, ".")
  for (number = 1; number <= count; number++) if (as[number] + 0 != bs[number] + 0) return as[number] + 0 > bs[number] + 0
  return 0
}

function exit_in(text) { # the exit code that a message names
  if (match(text, /[Nn]on-zero exit code: -?[0-9]+|exit status=-?[0-9]+|exit status -?[0-9]+|exit code:? -?[0-9]+|exited with code:? -?[0-9]+/)) {
    text = substr(text, RSTART, RLENGTH)
    match(text, /-?[0-9]+$/)
    return substr(text, RSTART, RLENGTH)
  }
  return ""
}

function seconds_of(stamp,   d, y, m) { # a UTC stamp, as seconds since 1970; 0 where it is none
  if (split(stamp, d, /[-T:.Z ]/) < 6 || d[1] < 1970) return 0
  y = d[1] + 0; m = d[2] + 0
  if (m <= 2) { y--; m += 12 }
  return ((365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d[3] - 719469) * 24 + d[4]) * 3600 + d[5] * 60 + d[6]
}

function one_line(text) { gsub(/[ \t\n]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text); return text }

# A failure or a hang of a handler. The gravest is the newest of those that do not merely follow another.
function found(grave, handler, name, operation, coded, stamp, message, where) {
  if (message ~ /^Dependent [Ee]xtension|Skipping processing of extensions since execution of dependent/) grave = 1
  cases++; failing[handler] = 1
  c_grave[cases] = grave; c_handler[cases] = handler; c_name[cases] = name; c_operation[cases] = operation
  c_exit[cases] = coded; c_stamp[cases] = stamp; c_message[cases] = message; c_where[cases] = where
  if (!best || grave > c_grave[best] || (grave == c_grave[best] && stamp > c_stamp[best])) best = cases
}

# What is printed without a look at the line that it stands in is of the form that it must have.
function word_in(text) { return text ~ /^[A-Za-z]+$/ && length(text) <= 20 ? text : "" }
function number_in(text) { return text ~ /^-?[0-9]+$/ && length(text) <= 12 ? text : "" }
function stamp_in(text) { return text ~ /^[0-9TZ:.+ -]+$/ ? substr(text, 1, 40) : "" }

function end_of_file(   message, handler) {
  if (kind == "E") { errors[++error_files] = body; error_of[error_files] = name_of " " config; error_at[error_files] = place_of; return }
  if (kind != "S" && kind != "H") return
  handler = name_of
  if (handler ~ /CPlat\.Core\.RunCommandLinux$/) return   # it carries this script
  if (!parsed(body)) {
    if (kind == "S") { d_count++; d_kind[d_count] = "bad"; d_handler[d_count] = handler; d_version[d_count] = version; d_config[d_count] = config }
    return
  }
  d_count++
  d_kind[d_count] = kind; d_handler[d_count] = handler; d_version[d_count] = version; d_config[d_count] = config
  if (kind == "H") {
    d_state[d_count] = word_in(json["status"]); d_code[d_count] = number_in(json["code"]); d_message[d_count] = json["message"]
    return
  }
  message = json["status.formattedMessage.message"]
  if (json["status.substatus.formattedMessage.message"] != "") message = message "\n" json["status.substatus.formattedMessage.message"]
  d_stamp[d_count] = stamp_in(json["timestampUTC"]); d_state[d_count] = tolower(word_in(json["status.status"]))
  d_code[d_count] = number_in(json["status.code"])
  d_operation[d_count] = risky(json["status.operation"]) ? "" : json["status.operation"]; d_message[d_count] = message
  if (message ~ /^[ \n]*[{]/ && parsed(message) && json["exitCode"] != "") {
    d_inner[d_count] = json["executionState"]; d_code[d_count] = number_in(json["exitCode"])
    d_message[d_count] = json["executionMessage"] "\n[stdout]\n" json["output"] "\n[stderr]\n" json["error"]
  }
}

function well(handler, state) { if (!(handler in fine)) order[++fines] = handler; fine[handler] = state }

function judge(   number, handler, name, state, coded, message) {
  for (number = 1; number <= d_count; number++) {
    handler = d_handler[number]; state = d_state[number]; message = d_message[number]
    if (d_version[number] != newest[handler]) continue
    name = d_config[number]; sub(/\.?[0-9]+\.status$/, "", name); if (name == "-") name = ""
    coded = exit_in(message)
    if (d_kind[number] == "bad") { found(2, handler, name, "", "", "", "its status file " d_config[number] " is no whole JSON", d_config[number]) }
    else if (d_kind[number] == "H") {
      if (state == "NotReady") found(4, handler, name, "", coded, "", message, "HandlerStatus, code " d_code[number])
      else if (state == "Unresponsive") found(2, handler, name, "", coded, "", message, "HandlerStatus")
      else well(handler, state)
    } else if (state == "error" || state == "failed" || tolower(d_inner[number]) ~ /^(failed|timedout)$/) {
      if (coded == "" && d_code[number] !~ /^0?$/) coded = d_code[number]
      found(4, handler, name, d_operation[number], coded, d_stamp[number], message, d_config[number])
    } else if (state == "transitioning") {
      if (handler ~ /RunCommandHandlerLinux$/) continue
      if (now - seconds_of(d_stamp[number]) >= 600)
        found(3, handler, name, d_operation[number], "", d_stamp[number], message, d_config[number] ", in progress since " d_stamp[number])
      else well(handler, "in progress since " d_stamp[number])
    } else if (state != "" || !(handler in fine)) well(handler, state)
  }
}

# ---- the log of the agent ----

function agent_line(text,   sign) {
  if (text ~ /^[12][0-9][0-9][0-9][-\/]/) {
    more = 0
    if (text ~ /RunCommandLinux|Dhcp client is not running|message=, |Failed to get system info|not reported for operation/) return
    if (text !~ / ERROR / && !(text ~ / WARNING / && text ~ /[Ff]ail|[Tt]imed? ?out|[Ee]xit code|did not|[Cc]annot|[Uu]nable/)) return
    sign = text; gsub(/[0-9]+/, "0", sign)
    if (sign in seen) return
    seen[sign] = 1
    a_line[++a_count] = text; more = 6
    if (match(text, /name=[^,]*, op=(Enable|Install|Update|Disable|Uninstall|ExtensionProcessing)/)) {
      sign = substr(text, RSTART + 5, RLENGTH - 5)
      a_name = sign; sub(/,.*/, "", a_name); a_op = sign; sub(/.*op=/, "", a_op); a_text = text; sub(/.*message=/, "", a_text); a_stamp = substr(text, 1, 19)
    }
  } else if (more > 0 && text !~ /^\[std/ && !empty(text)) { a_line[++a_count] = "  " text; a_text = a_text "\n" text; more-- }
}

# ---- the verdict ----

# The telling lines of a message: what stands before the output, and the end of standard error, or of output without it.
function proof(message, most,   lines, count, number, part, kept) {
  p_count = 0
  count = split(message, lines, "\n")
  hide(lines, count)
  part = "head"; kept = 0
  for (number = 1; number <= count; number++) {
    if (lines[number] ~ /\[stdout\]/) { sub(/\[stdout\].*/, "", lines[number]); if (lines[number] != "") h[++kept] = lines[number]; part = "out"; continue }
    if (lines[number] ~ /^\[stderr\]/) { part = "err"; continue }
    if (empty(lines[number]) || lines[number] == lines[number - 1]) continue
    if (kept && lines[number] == ": " h[1]) continue # the handler says it again behind the output
    if (part == "head") h[++kept] = lines[number]
    else if (part == "out") o[++o_count] = lines[number]
    else e[++e_count] = lines[number]
  }
  for (number = 1; number <= kept && number <= 4; number++) p[++p_count] = h[number]
  if (!e_count) for (number = o_count > most ? o_count - most + 1 : 1; number <= o_count; number++) p[++p_count] = o[number]
  for (number = e_count > most ? e_count - most + 1 : 1; number <= e_count; number++) p[++p_count] = e[number]
  o_count = e_count = 0
}

function empty(text) { return text ~ /^[ \t?]*$|^[ \t0-9:.kMG%-]*$|Dload|% Total|^, duration=/ }

function cut(text, most) { return length(text) > most ? substr(text, 1, most - 3) "..." : text }

function says(label, text, most) { out[++outs] = label; line[outs] = cut(one_line(text), most) }

# What does not fit goes from the top: others first, then the log of the agent, then the beginning of the proof.
function print_all(   number, total, label, before) {
  total = length(head_) + length(tail_) + 2
  for (number = 1; number <= outs; number++) if (kept_always(out[number])) total += length(line[number]) + 8
  for (number = outs; number >= 1; number--) {
    if (kept_always(out[number])) continue
    total += length(line[number]) + 8
    if (total > 3990) out[number] = ""
  }
  printf "%s\n", head_
  for (number = 1; number <= outs; number++) {
    if (out[number] == "") continue
    label = out[number] == before ? "" : out[number]
    printf "%-7s%s\n", label, line[number]
    before = out[number]
  }
  printf "%s\n", tail_
}

function kept_always(label) { return label == "Why" || label == "Status" }

# What failed beside the gravest, unless it says the same, and what is well.
function tell_others(   number, coded, count, m, others, told) {
  for (number = 1; number <= fines && number <= 12; number++)
    if (!(order[number] in failing)) others = others (others == "" ? "" : "; ") short(order[number]) " " tolower(fine[order[number]])
  for (number = 1; number <= cases; number++) {
    if (number == best || (c_handler[number] == c_handler[best] && (c_exit[number] == c_exit[best] || c_message[number] == ""))) continue
    if (++told > 8) continue
    coded = c_exit[number] != "" ? " exit " c_exit[number] : ""
    count = split(substr(c_message[number], 1, 600), m, "\n"); hide(m, count)
    says("Others", short(c_handler[number]) (c_name[number] != "" ? " " c_name[number] : "") coded " (" c_where[number] "): " m[1], 260)
  }
  if (others != "") says("Others", masked(others), 420)
}

# Where the gravest stands, its telling lines, and of standard error what they do not hold.
function tell_best(best,   handler, number, file, count, kept, same, m, k, of) {
  handler = c_handler[best]
  says("Status", masked(handler (newest[handler] != "" ? " " newest[handler] : "") (c_operation[best] != "" ? ", " c_operation[best] : "") \
    ", " c_where[best] (c_stamp[best] != "" ? ", " c_stamp[best] : "")), 260)
  if (c_grave[best] == 1) says("Cause", "it waited for another extension", 100)
  proof(c_message[best], 8)
  for (number = 1; number <= p_count; number++) says("Proof", p[number], 300)
  for (file = 1; file <= error_files; file++) {
    split(error_of[file], of, " ")
    if (short(handler) != of[1] || (of[2] != "-" && of[2] != c_name[best])) continue
    count = split(errors[file], m, "\n"); hide(m, count); kept = 0
    for (number = 1; number <= count; number++) if (!empty(m[number]) && m[number] != m[number - 1]) k[++kept] = m[number]
    for (number = kept > 8 ? kept - 7 : 1; number <= kept; number++) {
      for (same = 1; same <= p_count && p[same] != k[number]; same++);
      if (same > p_count) says("Proof", k[number], 300)
    }
  }
}

/^#V / {
  handlers++
  if ($4 ~ /^(NotInstalled|FailedUpgrade)$/) { if (!($2 in newest) || (unsure[$2] && later($3, newest[$2]))) { newest[$2] = $3; unsure[$2] = 1 } }
  else if (!($2 in newest) || unsure[$2] || later($3, newest[$2])) { newest[$2] = $3; unsure[$2] = 0 }
  next
}
/^#[SHEA] / { end_of_file(); kind = substr($1, 2); name_of = $2; version = $3; config = $4; body = ""; next }
/^\|/ { if (kind == "A") agent_line(substr($0, 2)); else body = body substr($0, 2) "\n"; next }

END {
  end_of_file(); kind = ""
  judge()
  if (!best && !handlers && a_name != "" && a_name !~ /WALinuxAgent/)
    found(4, a_name, "", a_op, exit_in(a_text), a_stamp, a_text, "waagent.log")
  word = best ? (c_grave[best] == 3 ? "HANGING" : "FAILED") : (handlers || a_count ? "HEALTHY" : "NOTHING FOUND")
  if (!best && a_count && !handlers) word = "NOTHING FOUND"
  subject = ""
  if (best) {
    subject = short(c_handler[best]) (c_name[best] != "" ? " " c_name[best] : "")
    if (c_exit[best] != "") subject = subject " exit " c_exit[best]
    else if (c_operation[best] != "") subject = subject " " tolower(c_operation[best])
    subject = masked(one_line(subject))
  }
  head_ = cut("VMEXT " word (subject != "" ? " " subject : "") ": reduced verdict, vmext itself did not run", 200)
  tail_ = cut("VMEXT " word (subject != "" ? " " subject : ""), 150) "; no bundle, not delivered"
  says("Why", masked(why == "" ? "vmext gave no verdict within its time" : why), 420)
  tell_others()
  for (number = 1; number <= a_count; number++) g[number] = a_line[number]
  hide(g, a_count)
  for (number = a_count > 10 ? a_count - 9 : 1; number <= a_count; number++) { text = g[number]; sub(/^[ ]+/, "", text); says("Agent", text, 260) }
  if (best) tell_best(best)
  print_all()
}
'

# ---- one at a time --------------------------------------------------------------------------------------

# Gives $state, a folder of root's own, and takes $lock in it; 1 where another call has it.
take_lock() {
  state=
  for parent in $VMEXT_STATE_FOLDERS; do
    closed_folder "$parent" || continue
    state=$parent/vmext-run-command
    (umask 077 && mkdir "$state") 2>/dev/null
    closed_folder "$state" && (: >"$state/.try") 2>/dev/null && break
    state=
  done
  [ -n "$state" ] || return 2
  rm -f "$state/.try"
  lock=$state/now
  tries=0
  unfinished=
  mine="$$ $(born "$$")"
  began=$(now)
  while [ "$tries" -lt 30 ]; do
    tries=$((tries + 1))
    if mkdir "$lock" 2>/dev/null; then
      printf '%s\n' "$mine" >"$lock/pid"
      first=$began.$$
      printf '%s\n' "$first" >"$lock/id"
      printf '%s\n' "$began" >"$lock/began"
      return 0
    fi
    first=$(cat "$lock/id" 2>/dev/null)
    if [ -n "$first" ]; then
      ! alive || return 1
    else # it is just being made, or just going; one that stays so was left by a call that was killed there
      # shellcheck disable=SC2012 # its number tells one from the next
      seen=$(ls -di "$lock" 2>/dev/null)
      [ "$seen" = "$unfinished" ] || stays=0
      unfinished=$seen
      stays=$((stays + 1))
      [ "$stays" -gt 4 ] || { sleep 1; continue; }
    fi
    one_clears
  done
  return 1
}

# Removes what a call left that was killed half way; only one does so at a time.
one_clears() {
  if mkdir "$state/clearing" 2>/dev/null; then
    if [ "$(cat "$lock/id" 2>/dev/null)" = "$first" ] && ! alive; then clear_lock; fi
    rmdir "$state/clearing"
  else
    sleep 1
    [ $((tries % 6)) -ne 0 ] || rmdir "$state/clearing" 2>/dev/null
  fi
}

# Takes the lock of the call $first away in one step, and what that unpacked. Another call's it leaves: that one may have
# cleared ours by now, and works.
clear_lock() {
  case $(cat "$lock/id" 2>/dev/null) in '' | "$first") ;; *) return ;; esac
  remains=$(cat "$lock/unpacked" 2>/dev/null)
  case $remains in */.vmext-run.*) rm -rf "$remains" ;; esac
  mv "$lock" "$state/gone.$$" 2>/dev/null && rm -rf "$state/gone.$$"
}

# Whether the process that has the lock still runs.
alive() {
  read -r pid since 2>/dev/null <"$lock/pid" || return 1
  runs "$pid" || return 1
  [ ! -r "/proc/$pid/stat" ] || [ "$(born "$pid")" = "$since" ]
}

runs() { # and is not dead, and not yet taken note of
  kill -0 "$1" 2>/dev/null && ! grep -q '^[0-9]* (.*) [ZX] ' "/proc/$1/stat" 2>/dev/null
}

born() { # when a process began, so that a number that was used again is no mistake
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

own() { # records who works
  printf '%s %s\n' "$1" "$(born "$1")" >"$lock/pid.new" && mv "$lock/pid.new" "$lock/pid"
}

# A call while another one works: its answer if it comes soon, else how far it is and what the files say.
second() {
  waited=0
  while [ ! -s "$state/answer.$first" ] && [ "$waited" -lt "$VMEXT_COLLECT_WAIT" ] && [ "$(cat "$lock/id" 2>/dev/null)" = "$first" ] && alive; do
    sleep 1
    waited=$((waited + 1))
  done
  if [ -s "$state/answer.$first" ]; then
    cat "$state/answer.$first"
    return
  fi
  began=$(cat "$lock/began" 2>/dev/null)
  far=$(cat "$lock/step" 2>/dev/null)
  said="another call has been at it for $(($(now) - ${began:-$(now)})) s (${far:-starting}); ask again for its answer"
  lock=$state/second.$$
  mkdir "$lock" 2>/dev/null
  printf '%s\n' "$said" >"$lock/why"
  note "$said"
  reduced
  rm -rf "$lock"
}

# Leaves the answer for all who wait for it, and gives the lock back.
leave() {
  [ -s "$lock/answer" ] || reduced >"$lock/answer" 2>/dev/null
  ! is_verdict "$lock/answer" || mv "$lock/answer" "$state/answer.$first"
  clear_lock
}

worker() {
  # by itself: what started it might write into the lock of the next call by now; $$ is not ours in a subshell
  # shellcheck disable=SC2034 # the rest of the line
  read -r me rest 2>/dev/null </proc/self/stat && own "$me"
  trap 'rm -rf ${unpacked:+"$unpacked"}' EXIT
  trap 'exit 1' TERM INT
  trap '' HUP
  work
  step "telling"
  leave
}

# ---- the call -------------------------------------------------------------------------------------------

seconds() { # TEXT DEFAULT; a leading 0 would make it octal, and a number that is too large ends the shell
  set -- "$1" "$2" "${1#"${1%%[!0]*}"}"
  case $1 in
    '' | *[!0-9]*) echo "$2" ;;
    *) case $3 in ??????*) echo 86400 ;; *) echo "${3:-0}" ;; esac ;;
  esac
}

# Takes the parameters from the arguments: NAME=VALUE, or the address and the hash as they are.
parameters() {
  for word in "$@"; do
    case $word in
      VMEXT_PACKAGE_URL=*) VMEXT_PACKAGE_URL=${word#*=} ;;
      VMEXT_PACKAGE_SHA256=*) VMEXT_PACKAGE_SHA256=${word#*=} ;;
      VMEXT_COLLECT_ARGUMENTS=*) VMEXT_COLLECT_ARGUMENTS=${word#*=} ;;
      VMEXT_COLLECT_ROOT=*) VMEXT_COLLECT_ROOT=${word#*=} ;;
      VMEXT_COLLECT_SECONDS=*) VMEXT_COLLECT_SECONDS=${word#*=} ;;
      VMEXT_COLLECT_WAIT=*) VMEXT_COLLECT_WAIT=${word#*=} ;;
      http://* | https://*) VMEXT_PACKAGE_URL=$word ;;
      *)
        # it may be an address with its signature, under a name that is misspelt: only the name is told
        case $word in VMEXT_*=*) named=$(word_of "${word%%=*}") ;; *) named="an argument of ${#word} characters" ;; esac
        if [ ${#word} -eq 64 ]; then VMEXT_PACKAGE_SHA256=$word; else note "$named is no parameter; it was left out"; fi
        ;;
    esac
  done
  VMEXT_COLLECT_SECONDS=$(seconds "$VMEXT_COLLECT_SECONDS" 600)
  VMEXT_COLLECT_WAIT=$(seconds "$VMEXT_COLLECT_WAIT" 30)
  export VMEXT_PACKAGE_URL VMEXT_PACKAGE_SHA256 VMEXT_COLLECT_ARGUMENTS VMEXT_COLLECT_ROOT VMEXT_COLLECT_SECONDS \
    VMEXT_UNPACK_FOLDERS VMEXT_STATE_FOLDERS
}

# Starts the worker in a session of its own, where a script that can be read again and setsid are there.
start() {
  if have setsid && [ -f "$0" ] && grep -q '^# Says why a virtual-machine extension failed' "$0" 2>/dev/null; then
    VMEXT_WORKER=$lock VMEXT_FIRST=$first VMEXT_UNTIL=$until setsid sh "$0" >/dev/null 2>"$state/said" </dev/null &
  else
    (worker) >/dev/null 2>"$state/said" </dev/null &
  fi
  working=$!
}

main() {
  PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/bin:/bin
  exec </dev/null
  parameters "$@"
  until=$(($(now) + VMEXT_COLLECT_SECONDS))
  take_lock
  case $? in
    1) second; exit 0 ;;
    2)
      lock=/nonexistent
      note "no folder is root's alone to work in (looked at: $VMEXT_STATE_FOLDERS)"
      reduced
      exit 0
      ;;
  esac
  # shellcheck disable=SC2012 # names of our own
  ls -t "$state"/answer.* 2>/dev/null | tail -n +21 | while IFS= read -r old; do rm -f "$old"; done
  start
  (
    end_later "$((VMEXT_COLLECT_SECONDS + 5))" "$working"
    kill -KILL "-$working"
  ) >/dev/null 2>&1 &
  guard=$!
  wait "$working" 2>/dev/null
  kill -TERM "$guard" 2>/dev/null
  cat "$state/said" >&2 2>/dev/null
  if [ -s "$state/answer.$first" ]; then
    cat "$state/answer.$first"
  else # it was ended, or the disk is full
    [ "$(cat "$lock/id" 2>/dev/null)" != "$first" ] ||
      why "it ended without an answer after $(($(now) - began)) s, at: $(cat "$lock/step" 2>/dev/null)"
    reduced
    clear_lock
  fi
  exit 0
}

# What changes how the tools here write and read.
unset CDPATH GREP_OPTIONS GZIP QUOTING_STYLE TAR_OPTIONS TIME_STYLE
if [ -n "${VMEXT_WORKER:-}" ]; then
  lock=$VMEXT_WORKER
  state=${lock%/*}
  until=$VMEXT_UNTIL
  first=$VMEXT_FIRST
  unset VMEXT_WORKER VMEXT_UNTIL VMEXT_FIRST
  worker
  exit 0
fi
main "$@"
