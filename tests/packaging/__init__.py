"""What is installed on instances: built, installed and run."""

from __future__ import annotations
