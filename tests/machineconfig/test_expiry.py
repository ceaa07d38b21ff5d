"""When certificates end."""

import base64

from bmcs import Pki

from core.credentials.expiry import expiry


def test_an_update_that_leaves_the_kubeconfig_for_later_tells_the_other_dates():
    """With --target or --exclude its resource is not there yet, and what it makes is None."""
    certificate = base64.b64encode(Pki.make().certificate.encode()).decode()
    found = expiry({"client_certificate": certificate}, None, {"certs": {"os": {"cert": certificate}}})
    assert list(found) == ["talosconfig", "authority os"]
    assert list(expiry({"client_certificate": certificate}, {"client_certificate": certificate}, {"certs": {}})) == [
        "talosconfig",
        "kubeconfig",
    ]
