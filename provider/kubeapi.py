"""The Kubernetes API as the gates ask it: what a person can mend is one line."""

import ssl
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access

from .framework import InputError, Unknown, UserError

__all__ = ["Access", "get", "wrong_kubeconfig"]


def get(access: Access, tls: ssl.SSLContext, path: str) -> str:
    """The answer to a GET. Raises OSError where there is none, Failed where this client is refused."""
    try:
        return kubernetes.get(access, tls, path)
    except kubernetes.CredentialsRefused as refused:
        raise UserError(str(refused)) from None


def wrong_kubeconfig(kubeconfig: Any) -> list[InputError]:
    """What is wrong with an input that holds a kubeconfig; nothing while it is unknown."""
    if isinstance(kubeconfig, Unknown):
        return []
    try:
        Access.parse(kubeconfig if isinstance(kubeconfig, str) else "")
    except ValueError as error:
        return [InputError("kubeconfig", str(error))]
    return []
