"""The outputs of a stack that is up, with secrets that must not be shown."""

import json

TALOSCONFIG = json.dumps(
    {"context": "dev", "contexts": {"dev": {"endpoints": ["10.0.0.11"], "ca": "CA", "crt": "CRT", "key": "SEKRET-KEY"}}}
)
OUTPUTS = {
    "talosconfig": TALOSCONFIG,
    "kubeconfig": "SEKRET-KUBECONFIG",
    "machines": {"cp-1": "10.0.0.11", "wk-1": "10.0.0.21"},
    "expires": {"talosconfig": "2027-11-23T20:00:00+00:00", "kubeconfig": "2027-11-24T20:00:00+00:00"},
}
