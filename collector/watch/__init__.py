"""The resident agent: follows the logs as they grow, notices what fails or hangs, and reports it by itself.

run        takes the state folder (`own_folder`), puts the parts together (`parts`) by what is wanted of them
           (`settings`), turns until it is told to stop
loop       one turn, in one thread: waits, looks, judges, reports, and every few seconds keeps what it knows
waking     which files may have changed, by the system's events or by looking in turns  -> Changes
sources    the scan of the disk, the tailer and the ring; what was touched is read      -> Piece
notices    pieces of logs to signals; `states` does it for state files that changed     -> Signal
judging    signals to notices, by `runs`, `operations` (hangs), `bursts`; `agent_life`  -> Notice
incident   what happens together is one, and nothing is reported twice                  -> Incident
reports    one child (`children`) collects an incident, one sends what waits            -> Reported
notebook   what a restart must know; written before the tailer's checkpoint goes on
telling    what it tells of itself: `status`, systemd (`notify`), and its use of memory

Other threads only put something into a queue: watchdog's, that of `scheduled` events, that of the `console`.
"""

from __future__ import annotations
