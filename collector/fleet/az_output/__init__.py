"""The forms in which `az` and the REST interface tell of a scale set: JSON text to values. Pure."""

from __future__ import annotations
