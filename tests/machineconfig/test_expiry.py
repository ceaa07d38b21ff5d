"""When certificates expire."""

import base64

from bmcs import Pki

from core.credentials.expiry import expiry


def test_without_the_kubeconfig_resource_the_other_expiry_dates_are_reported():
    """With --target or --exclude the resource does not exist yet, and its outputs are None."""
    certificate = base64.b64encode(Pki.make().certificate.encode()).decode()
    dates = expiry({"client_certificate": certificate}, None, {"certs": {"os": {"cert": certificate}}})
    assert list(dates) == ["talosconfig", "authority os"]
    assert list(expiry({"client_certificate": certificate}, {"client_certificate": certificate}, {"certs": {}})) == [
        "talosconfig",
        "kubeconfig",
    ]
