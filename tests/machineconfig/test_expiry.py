"""When certificates expire."""

import base64

from bmcs import Pki

from core.credentials.expiry import expiry
from core.credentials.kubeconfig import Kubeconfig


def test_without_the_kubeconfig_resource_the_other_expiry_dates_are_reported():
    """With --target or --exclude the resource does not exist yet, and its outputs are None."""
    pki = Pki.make()
    pem = pki.certificate
    certificate = base64.b64encode(pem.encode()).decode()
    kubeconfig = Kubeconfig("dev", "https://10.0.0.1:6443", pem, pem, pki.key).text()
    dates = expiry({"client_certificate": certificate}, None, {"certs": {"os": {"cert": certificate}}})
    assert list(dates) == ["talosconfig", "authority os"]
    assert list(expiry({"client_certificate": certificate}, kubeconfig, {"certs": {}})) == ["talosconfig", "kubeconfig"]
