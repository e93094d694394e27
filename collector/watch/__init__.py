"""The resident agent: follows the logs as they grow, notices what fails or hangs, and reports it by itself."""

from __future__ import annotations
