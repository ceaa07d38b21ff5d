"""The Kubernetes API for the gates: a refusal that a user can act on is one line."""

import ssl
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access

from .framework import UserError

__all__ = ["Access", "get", "kubeconfig_fault", "read"]


def get(access: Access, tls: ssl.SSLContext, path: str) -> str:
    """The body of the response to a GET. Raises OSError if there is none, UserError if the API refuses this client."""
    try:
        return kubernetes.get(access, tls, path)
    except kubernetes.CredentialsRefused as refused:
        raise UserError(str(refused)) from None


def read(access: Access, tls: ssl.SSLContext, path: str) -> dict[str, Any]:
    """The object of the response to a GET, keyed as the API has it. Raises OSError and UserError as `get` does."""
    try:
        return kubernetes.read(access, tls, path)
    except kubernetes.CredentialsRefused as refused:
        raise UserError(str(refused)) from None


def kubeconfig_fault(kubeconfig: str) -> str | None:
    """Why this is not a kubeconfig with a client certificate; None if it is one."""
    try:
        Access.parse(kubeconfig)
    except ValueError as error:
        return str(error)
    return None
