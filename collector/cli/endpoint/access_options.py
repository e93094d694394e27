"""The options of `vmext endpoint` about who gets in, from where, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--public-url",
        metavar="URL",
        envvar="VMEXT_PUBLIC_URL",
        help="How browsers reach this endpoint behind a proxy: https://HOST.",
    ),
    click.option(
        "--trusted-proxy",
        "trusted_proxies",
        multiple=True,
        metavar="ADDRESS",
        help="A proxy whose X-Forwarded-For and -Proto are believed; an address or a network. May be given again.",
    ),
    click.option(
        "--attested",
        type=click.Choice(["off", "check", "require"]),
        default="off",
        show_default=True,
        help="Ask senders for Azure's attested document: record who has none, or refuse it.",
    ),
    click.option(
        "--attested-roots",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="PEM: the root and intermediate certificates that Azure's documents are signed under.",
    ),
    click.option("--keep-days", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Delete older bundles."),
    click.option(
        "--keep-gb",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="Delete the oldest bundles above so many GB.",
    ),
    click.option(
        "--audit-days",
        type=click.FloatRange(min=1),
        default=365,
        show_default=True,
        metavar="N",
        help="How long it is kept who did what.",
    ),
    click.option("--oidc-issuer", metavar="URL", help="Sign people in with this OpenID provider."),
    click.option("--oidc-client-id", metavar="ID", help="What the provider calls this endpoint."),
    click.option(
        "--oidc-client-secret-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="Else VMEXT_OIDC_CLIENT_SECRET; none for a public client.",
    ),
    click.option(
        "--oidc-read", multiple=True, metavar="CLAIM=VALUE", help="Who of them may read; several may be given."
    ),
    click.option("--oidc-admin", multiple=True, metavar="CLAIM=VALUE", help="Who of them administers."),
)


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
