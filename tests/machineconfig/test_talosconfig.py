"""What talosctl reads."""

import json

from core.credentials.talosconfig import talosconfig
from core.model import parse

CLIENT = {"ca_certificate": "ca", "client_certificate": "crt", "client_key": "key"}


def test_endpoints_are_the_control_planes_and_never_the_virtual_ip(prod):
    config = json.loads(talosconfig(parse(prod), CLIENT))
    context = config["contexts"][config["context"]]
    assert context["endpoints"] == [str(m["address"]) for m in prod["machines"].values() if m["role"] == "controlplane"]
    assert prod["network"]["endpoint"] not in json.dumps(config)
    assert "nodes" not in context, "a command would go to all of them"
    assert (context["ca"], context["crt"], context["key"]) == ("ca", "crt", "key")
