# Says why a virtual-machine extension failed, wherever it is started by Run Command:
#
#   az vmss run-command invoke -g GROUP -n SET --instance-id N --command-id RunPowerShellScript --scripts @collect.ps1 `
#      --parameters VMEXT_PACKAGE_URL=https://... VMEXT_PACKAGE_SHA256=...
#
# It runs the vmext that is installed. Where there is none, it fetches the package (.zip), checks its hash, runs it from
# a folder that only administrators can write to, and removes it. Where that can't be had either, it tells by itself
# what the status files and the log of the guest agent say, with everything hidden that looks like a secret.
#
# Standard output is a verdict of at most 4,096 bytes and nothing else; the exit code is 0 once it is printed. For
# PowerShell 5.1, which every Windows Server since 2016 has.
param(
    [string]$VMEXT_PACKAGE_URL = '',
    [string]$VMEXT_PACKAGE_SHA256 = '',
    [string]$VMEXT_COLLECT_ARGUMENTS = '',   # for vmext collect, with blanks between them: --since 2h --no-upload
    [string]$VMEXT_COLLECT_ROOT = 'C:\',     # another drive in place of this machine's
    [int]$VMEXT_COLLECT_SECONDS = 600,       # the whole of it takes no longer
    [int]$VMEXT_COLLECT_WAIT = 30            # seconds that a second call waits for the first
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'     # the bar of Invoke-WebRequest costs more time than the download
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
$until = (Get-Date).AddSeconds($VMEXT_COLLECT_SECONDS)
$most = 67108864                             # bytes of the package
$why = New-Object System.Collections.ArrayList
# Not in ProgramData: any user may make folders there, also beforehand, and would own what SYSTEM is about to run.
$folder = Join-Path $env:ProgramFiles 'vmext-run-command'
$progress = Join-Path $folder 'step.txt'

# ---- secrets: a line that may hold one goes as a whole, and so does any word that looks made by chance ----

$Risky = 'passw|pwd|passphrase|secret|kennwort|contrase|mot de passe|credential|authoriz|bearer|basic |signature|token["'' ]*[:=]|token is|[a-z]+[_-]token|--token|key["'' ]*[:=]|key is|[a-z][_ -]?key\b|sig=|sig%3d|sharedaccess|connectionstring|endpoint=|eyj[a-z0-9]|service-?principal|protectedsettings|handlersettings|handlerenvironment|publicsettings|json config|encodedcommand|-enc |securestring|"script|"value|commandtoexecute|fileuris|chpasswd|sshpass|sudo -s|net use|net\.exe use|sqlcmd|docker login|mysql|curl .*-u|--user|-u \S+:|/p:|az login|://[^/ ]*@|ghp_|github_pat|npm_|pypi-|xox[abprs]-|akia|aiza|ya29|8q~|iyev|\$[0-9][a-z]?\$|pass["'' ]*[:=]|--?pass |passin|passcode|storepass|(?<![a-z])(?:pw|pin|psk|creds?|salt|otp|clave|senha|_auth)["'' ]*[:=]|wachtwoord|lozinka|has.{1,2}o *[:=]|heslo|l.{1,2}senord|mot_?de_?passe|parola *[:=]|adgangskode|salasana|jelsz|\?{2,} *[:=]|cookie|webhook|hooks\.slack|x-auth|response="|ansible_vault|recovery key|(?:licen[sc]e|activation|instrumentation|product)[ _-]*(?:key|code)|://[^ /]*:[^ ]*@|(?:useradd|usermod|psexec|mongo[a-z]*|plink|redis-cli|ldap[a-z]+|smbclient|htpasswd|zip|7za?|http) .*-[pwabun]|sqlplus|vault login|cmdkey|schtasks .*/rp|cryptsetup .*<<<|(?<![a-z0-9])(?:token|key) +[^a-z0-9 ]*(?!(?:expired|expires|expiry|endpoint|requests?|requested|servers?|services?|cannot|couldn|failed|fails|failure|failures|invalid|missing|required|exchange|provider|refresh|refreshed|returned|rejected|response|contains|length|format|algorithm|fingerprint|validation|authentication|because|before|should|through|within|without|another|already|matches|mismatch|values?|vaults?|stored|errors?|exceptions?|signed|imported|import|installed|downloaded|generated|created|retrieved|acquired|revoked|identifier|header|parameter|audience|issuer|unknown|denied|material|handling|manager)(?![a-z0-9]))[^ ]{6,}|(?<![a-z0-9_./@-])(?:admin[a-z]*|[a-z]*user|sa|svc[a-z_-]*):(?![/\\])[^ :/]{4,}|begin [a-z0-9 ]*key|vault\.azure|keyvault|%[0-9a-f][0-9a-f].*%[0-9a-f][0-9a-f]'
$ByChance = '\S*(?:(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{5,}|[A-Za-z0-9+/]{28,}|[0-9][A-Za-z]+[0-9]+[A-Za-z]+[0-9]|[A-Za-z0-9+/]{12,}=(?=[\s"'']|$)|[A-Za-z0-9+/]={1,2}(?=\s|$)|==)\S*|(?<!\S)(?=\S*[A-Za-z])(?=\S*[0-9])\S*[!#^*~$]\S*'

function Hide([string[]]$lines) {
    $plain = @($lines | ForEach-Object { $_.Replace('\', '') })
    $bad = @($plain | ForEach-Object { $_ -match $Risky })
    for ($at = 0; $at -lt $plain.Count - 1; $at++) {
        # two lines may be one that a terminal broke
        $long = $plain[$at].Length -ge 40
        if ($long -and -not $bad[$at] -and -not $bad[$at + 1] -and ($plain[$at] + $plain[$at + 1]) -match $Risky) { $bad[$at] = $true; $bad[$at + 1] = $true }
    }
    $key = 0
    $was = $false
    for ($at = 0; $at -lt $plain.Count; $at++) {
        if ($plain[$at] -match 'BEGIN [A-Z0-9 ]*KEY') { $key = 80 }
        $key = $key - 1
        # what follows a long line that goes may be the rest of it, and a long line before it its beginning
        $rest = $was -and $plain[$at - 1].Length -ge 60 -and $plain[$at] -ne ''
        $start = $at -lt $plain.Count - 1 -and $bad[$at + 1] -and $plain[$at].Length -ge 60
        $was = $bad[$at] -or $rest -or $start -or $key -gt 0
        if ($plain[$at] -match 'END [A-Z0-9 ]*KEY') { $key = 0 }
        if ($was) { '[hidden: this line may hold a secret]' }
        else { [regex]::Replace($lines[$at], $ByChance, '[hidden]') }
    }
}

function Ascii([string]$text) { [regex]::Replace($text.Replace("`r", "`n"), '[^\x20-\x7e\n]', '?') }

function Tail([string]$text, [int]$count) {
    $lines = @($text -split "`n" | Where-Object { $_.Trim() -ne '' })
    $lines | Select-Object -Last $count
}

# ---- vmext ----

function Step([string]$text) { Set-Content -Path $progress -Value "$PID $text" -Encoding ASCII }

# Runs one and gives what it prints, if that is a verdict.
function Invoke-Collect([string]$program) {
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $program
    $start.Arguments = 'collect ' + $VMEXT_COLLECT_ARGUMENTS
    if ($VMEXT_COLLECT_ROOT -ne 'C:\') { $start.Arguments += ' --root "' + $VMEXT_COLLECT_ROOT.TrimEnd('\') + '\."' }
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    $process.StandardInput.Close()
    $reading = $process.StandardOutput.ReadToEndAsync()
    $left = [int][Math]::Max(1000, ($until - (Get-Date)).TotalMilliseconds)
    if (-not $process.WaitForExit($left)) {
        & taskkill.exe /T /F /PID $process.Id | Out-Null
        [void]$why.Add("$program did not end within its time")
        return ''
    }
    $text = $reading.Result.Trim()
    $last = @($text -split "`r?`n")[-1]
    if ($last -match '^VMEXT [A-Z].*; (bundle \S+ (not )?[ds].*|no bundle, not delivered)$') { return $text }
    if ($last -match '^\{.*"verdict".*\}$') { return $text }
    [void]$why.Add("$program gave no verdict")
    return ''
}

function Find-Vmext {
    $found = Get-Command vmext.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($found) { return $found.Path }
    $place = "$env:ProgramFiles\vmext\vmext.exe"   # services that run since before the installation have the old PATH
    if (Test-Path -LiteralPath $place) { return $place }
    return ''
}

# Fetches the package, checks it, runs it.
function Invoke-Package {
    if ($VMEXT_PACKAGE_URL -eq '') { [void]$why.Add('no package was named (VMEXT_PACKAGE_URL)'); return '' }
    if ($VMEXT_PACKAGE_SHA256 -eq '') { [void]$why.Add('no SHA-256 of the package was given (VMEXT_PACKAGE_SHA256), so that it was not fetched'); return '' }
    $package = Join-Path $folder 'package.zip'
    Step 'fetching the package'
    $seconds = [int][Math]::Max(1, ($until - (Get-Date)).TotalSeconds / 2)
    try { Invoke-WebRequest -UseBasicParsing -Uri $VMEXT_PACKAGE_URL -OutFile $package -TimeoutSec $seconds }
    catch { [void]$why.Add('the package could not be fetched'); return '' }
    if ((Get-Item -LiteralPath $package).Length -gt $most) { [void]$why.Add("the package is larger than $most bytes"); return '' }
    $hash = (Get-FileHash -LiteralPath $package -Algorithm SHA256).Hash
    if (@($VMEXT_PACKAGE_SHA256 -split ',') -notcontains $hash) {
        [void]$why.Add('the package does not have the SHA-256 that was given; it was removed unopened')
        return ''
    }
    Step 'unpacking the package'
    try { Expand-Archive -LiteralPath $package -DestinationPath (Join-Path $folder 'package') }
    catch { [void]$why.Add('the package could not be unpacked (is it the .zip? is the disk full?)'); return '' }
    $program = Get-ChildItem -Path (Join-Path $folder 'package') -Recurse -Filter vmext.exe | Select-Object -First 1
    if (-not $program) { [void]$why.Add('the package holds no vmext.exe'); return '' }
    Step 'collecting with the package'
    Invoke-Collect $program.FullName
}

# ---- the reduced verdict ----

function Read-Text([string]$path, [int]$bytes) {
    # The end of a file that another process writes.
    $stream = [IO.File]::Open($path, 'Open', 'Read', 'ReadWrite, Delete')
    try {
        if ($stream.Length -gt $bytes) { [void]$stream.Seek(-$bytes, 'End') }
        $reader = New-Object IO.StreamReader($stream)
        $reader.ReadToEnd().Replace("`0", '')
    }
    finally { $stream.Dispose() }
}

# Whether it has been in progress for ten minutes. A stamp that can't be read counts as an old one.
function Test-Old([string]$stamp) {
    try { ([datetime]::UtcNow - [datetime]::Parse($stamp, [Globalization.CultureInfo]::InvariantCulture).ToUniversalTime()).TotalMinutes -ge 10 }
    catch { $true }
}

# Of each handler the folder of status files of its highest version: those of older ones stay after an update.
function Get-Places {
    $places = @{}
    $versions = @{}
    foreach ($place in @(Get-Item -Path (Join-Path $VMEXT_COLLECT_ROOT 'Packages\Plugins\*\*\Status') -ErrorAction SilentlyContinue)) {
        if (-not (Get-ChildItem -LiteralPath $place.FullName -Filter *.status)) { continue }
        $handler = $place.Parent.Parent.Name
        try { $version = [version]$place.Parent.Name } catch { $version = [version]'0.0' }
        if (-not $places.ContainsKey($handler) -or $version -gt $versions[$handler]) { $places[$handler] = $place; $versions[$handler] = $version }
    }
    $places.Values
}

function Get-Reduced {
    $failed = New-Object System.Collections.ArrayList
    $hanging = New-Object System.Collections.ArrayList
    $fine = New-Object System.Collections.ArrayList
    foreach ($place in @(Get-Places)) {
        $handler = $place.Parent.Parent.Name
        $newest = Get-ChildItem -LiteralPath $place.FullName -Filter *.status | Sort-Object { [int]('0' + ($_.BaseName -replace '^.*?(\d+)$', '$1')) } | Select-Object -Last 1
        if (-not $newest -or $handler -eq 'Microsoft.CPlat.Core.RunCommandWindows') { continue }   # it carries this script
        try {
            $document = (Read-Text $newest.FullName 262144) | ConvertFrom-Json   # 5.1 gives an array as one thing
            $status = @($document)[0]
        }
        catch { [void]$failed.Add(@('', $handler, '', 'its status file is no whole JSON', $newest.Name)); continue }
        $state = ([string]$status.status.status) -replace '[^A-Za-z]', ''   # printed as they are: no text of anyone's
        $stamp = ([string]$status.timestampUTC) -replace '[^0-9TZ:.+-]', ''
        $message = [string]$status.status.formattedMessage.message
        foreach ($sub in @($status.status.substatus)) { if ($sub -and $sub.formattedMessage) { $message += "`n" + $sub.formattedMessage.message } }
        $exit = ''
        if ($message -match '(?:exit code:?|exit status=?|exited with code:?) ?(-?\d+)') { $exit = $Matches[1] }
        elseif ($message -match '"exitCode":(-?\d+)') { $exit = $Matches[1] }
        elseif ([string]$status.status.code -match '^-?[1-9][0-9]*$') { $exit = [string]$status.status.code }
        if ($state -match '^(error|failed)$' -or $message -match '"executionState":"(Failed|TimedOut)"') {
            [void]$failed.Add(@($stamp, $handler, $exit, $message, $newest.Name))
        }
        elseif ($state -eq 'transitioning' -and (Test-Old ([string]$status.timestampUTC))) {
            [void]$hanging.Add(@([string]$status.timestampUTC, $handler, '', $message, "$($newest.Name), in progress"))
        }
        else { [void]$fine.Add("$(($handler -split '\.')[-1]) $state") }
    }
    $log = @()
    $agent = Join-Path $VMEXT_COLLECT_ROOT 'WindowsAzure\Logs\WaAppAgent.log'
    if (Test-Path -LiteralPath $agent) {
        $text = Ascii (Read-Text $agent 393216)
        $log = @($text -split "`n" | Where-Object { $_ -match '\[ERROR\]|\[WARN\].*(fail|time|exit)|not exited on time|exited with Exit code: -?[1-9]' } | Select-Object -Last 8)
    }
    $first = $failed | Sort-Object { $_[0] } | Select-Object -Last 1
    $answer = 'VMEXT NOTHING FOUND'
    if ($failed.Count -gt 0) {
        if ($failed.Count -eq 1) { $first = $failed[0] }
        $answer = 'VMEXT FAILED ' + ($first[1] -split '\.')[-1]
        if ($first[2] -ne '') { $answer += ' exit ' + $first[2] }
    }
    elseif ($hanging.Count -gt 0) {
        $first = $hanging[0]
        $answer = 'VMEXT HANGING ' + ($first[1] -split '\.')[-1]
    }
    elseif ($fine.Count -gt 0) { $answer = 'VMEXT HEALTHY' }
    elseif (-not (Test-Path -Path (Join-Path $VMEXT_COLLECT_ROOT 'WindowsAzure'))) {
        [void]$why.Add("no files of a guest agent are below $VMEXT_COLLECT_ROOT")
    }
    $body = @("Why    $($why -join '; ')")
    if ($fine.Count -gt 0) { $body += 'Others ' + ($fine -join '; ') }
    foreach ($line in @(Hide $log)) { $body += 'Agent  ' + $line }
    if ($failed.Count -gt 0 -or $hanging.Count -gt 0) {
        $body += "Status $($first[1]), $($first[4]), $($first[0])"
        foreach ($line in @(Tail ((Hide (@((Ascii $first[3]) -split "`n"))) -join "`n") 10)) { $body += 'Proof  ' + $line }
    }
    $short = @($body | ForEach-Object { if ($_.Length -gt 260) { $_.Substring(0, 257) + '...' } else { $_ } })
    while (($short -join "`r`n").Length -gt 3700) { $short = @($short | Select-Object -Skip 1) }
    @("${answer}: reduced verdict, vmext itself did not run") + $short + @("$answer; no bundle, not delivered")
}

# ---- the call ----

$mine = $false
$answer = ''
try {
    New-Item -ItemType Directory -Force -Path $folder | Out-Null
    & icacls.exe $folder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    # another user may have made one of this name, which then can't be had
    $mutex = New-Object System.Threading.Mutex($false, 'Global\vmext-run-command')
    try { $mine = $mutex.WaitOne($VMEXT_COLLECT_WAIT * 1000) }
    catch [System.Threading.AbandonedMutexException] { $mine = $true }   # the one before was killed half way
    if ($mine) {
        Remove-Item -LiteralPath (Join-Path $folder 'package') -Recurse -Force -ErrorAction SilentlyContinue
        $program = Find-Vmext
        Step 'collecting with the vmext that is installed'
        if ($program -ne '') { $answer = Invoke-Collect $program } else { [void]$why.Add('vmext is not installed here') }
        if ($answer -eq '') { $answer = Invoke-Package }
    }
    else {
        $far = Get-Content -LiteralPath $progress -ErrorAction SilentlyContinue | Select-Object -First 1
        [void]$why.Add("another call has been at it for more than $VMEXT_COLLECT_WAIT s ($far); ask again for its answer")
    }
}
catch { [void]$why.Add('vmext could not be run: ' + $_.Exception.GetType().Name) }
finally {
    if ($mine) {
        Remove-Item -LiteralPath (Join-Path $folder 'package'), (Join-Path $folder 'package.zip'), $progress -Recurse -Force -ErrorAction SilentlyContinue
        $mutex.ReleaseMutex()
    }
}
if ($answer -eq '') {
    try { $answer = (Get-Reduced) -join "`n" }
    catch { $answer = "VMEXT NOTHING FOUND: neither vmext nor this script could read the machine ($($_.Exception.GetType().Name))`nVMEXT NOTHING FOUND; no bundle, not delivered" }
}
Write-Output $answer
exit 0
