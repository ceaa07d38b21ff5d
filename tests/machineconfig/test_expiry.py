"""When certificates end."""

import base64

from bmcs import Pki

from core.credentials.expiry import expiry
from core.credentials.kubeconfig import Kubeconfig

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def test_an_update_that_leaves_the_kubeconfig_for_later_tells_the_other_dates():
    """With --target or --exclude its resource is not there yet, and what it makes is None."""
    pem = Pki.make().certificate
    certificate = base64.b64encode(pem.encode()).decode()
    kubeconfig = Kubeconfig("dev", "https://10.0.0.1:6443", pem, pem, KEY).text()
    found = expiry({"client_certificate": certificate}, None, {"certs": {"os": {"cert": certificate}}})
    assert list(found) == ["talosconfig", "authority os"]
    assert list(expiry({"client_certificate": certificate}, kubeconfig, {"certs": {}})) == ["talosconfig", "kubeconfig"]
