"""What programs may ask, in JSON, and the OpenAPI document that tells of it."""

from __future__ import annotations
