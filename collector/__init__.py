"""vmext: finds out, on the instance itself, why a virtual-machine extension failed.

discover   which logs, status and settings files are here           -> Source
read       bytes to lines, the incident window only                 -> Line
parse      lines to records, state files to values                  -> Record, StatusFile, HandlerStatus
extract    records and state files to failures                      -> Failure
diagnose   failures to what they mean and what to do                -> Finding
redact     nothing leaves this stage with a secret in it            -> RedactedText
bundle     one zip: summary, report, findings, events, ledger       -> BundleInfo
deliver    spool on disk, upload until the receipt names the hash   -> Delivery
endpoint   takes bundles from very many instances; review pages show them

`pipeline` has the stages up to diagnose in order, `service` one whole run of them for a command. `watch`, the resident
agent, notices what happens and has the same run made in a process of its own.
"""

from __future__ import annotations

__version__ = "0.1.0"
