"""Secrets on the command line, which every user of the machine can read."""

from __future__ import annotations

import re

import click

_SIGNED = re.compile(r"[?&](?:sig|signature|x-amz-signature)=[^&#]", re.IGNORECASE)


def warn_of_visible(token: str | None, upload_url: str | None) -> None:
    """A line on standard error for each of them that was given as a flag, with what to use instead."""
    if token:
        click.echo("vmext: warning: --token can be seen by others on this machine; use --token-file", err=True)
    if upload_url and _SIGNED.search(upload_url):
        click.echo(
            "vmext: warning: the signature in --upload can be seen by others on this machine; use VMEXT_UPLOAD_URL, "
            "or upload_url in the configuration file",
            err=True,
        )
