"""A BMC for tests: sushy-tools' Redfish service, with what it lacks. bmc.py CONFIG.json

A boot consumes `Once`, systems have serial numbers, answers have ETags, and a system can have the faults of real ones
(see Machines). One process may be the BMCs of many machines, each on a port of its own, which knows no other system.
With a boot server, a boot from the network requests what the machine would, and records the answer. Systems are
simulated here; another program may call main() with machines of its own, which start and stop real ones. Faults come
from a file, so that a test can change them while the BMC runs.
"""

import hashlib
import json
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import flask
from sushy_tools import error
from sushy_tools.emulator import main as emulator
from sushy_tools.emulator.resources.systems import fakedriver
from werkzeug import serving

FUTURE = "OperationSupportedInFutureStateURI"


class Machines(fakedriver.FakeDriver):  # type: ignore[misc]  # sushy-tools has no types.
    """Systems that are switched in memory. What each does is in the journal, a JSON object a line.

    A system's `habits`: refuses_mode, future_state, forgets_once, forgets_with_power, never_starts, boots_slowly
    (seconds).
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._systems = {s["uuid"]: {"power_state": "Off", "habits": {}, **s} for s in self._config["BMC_SYSTEMS"]}
        self._by_name = {s["name"]: u for u, s in self._systems.items()}

    def start(self, system: dict[str, Any], target: str) -> None:
        """The hook for machines that are more than a word in memory."""
        if target == "Pxe" and (server := self._config.get("BMC_MATCHBOX")):
            try:
                with urllib.request.urlopen(f"{server}/ipxe?mac={system['nics'][0]['mac']}", timeout=5) as answer:
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            self.note(event="chain", system=system["name"], status=status)

    def stop(self, system: dict[str, Any]) -> None:
        """The same."""

    def habit(self, identity: str, name: str) -> Any:
        return self._get(identity)["habits"].get(name)

    def note(self, **event: Any) -> None:
        with self.lock, open(self._config["BMC_JOURNAL"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.monotonic(), **event}) + "\n")

    def set_power_state(self, identity: str, state: str) -> None:
        system = self._get(identity)
        with self.lock:
            on = system["power_state"] == "On"
            if state in ("On", "ForceOn"):
                if not on:
                    self._boot(system)
            elif state in ("ForceOff", "GracefulShutdown"):
                if on:
                    self._halt(system)
            elif state in ("ForceRestart", "GracefulRestart"):
                if not on:
                    raise error.Conflict("the system is off")
                self._halt(system)
                self._boot(system)
            else:
                raise error.NotSupportedError(f"{state} is not supported")

    def _boot(self, system: dict[str, Any]) -> None:
        if system["habits"].get("never_starts"):
            return
        target = system.pop("once", None) or "Hdd"
        self.note(event="boot", system=system["name"], target=target, mode=system.get("boot_mode", "UEFI"))
        self.start(system, target)
        delay = system["habits"].get("boots_slowly")
        if delay:
            system["pending_power"] = {"power_state": "On", "apply_time": time.time() + delay}
        else:
            system["power_state"] = "On"

    def _halt(self, system: dict[str, Any]) -> None:
        self.note(event="halt", system=system["name"])
        self.stop(system)
        if system["habits"].get("forgets_with_power"):
            system.pop("once", None)
        system["power_state"] = "Off"

    def order(self, identity: str, boot: dict[str, Any]) -> str | None:
        """A PATCH of Boot, or a reason why not."""
        system = self._get(identity)
        if "BootSourceOverrideMode" in boot:
            if system["habits"].get("refuses_mode"):
                return "BootSourceOverrideMode is read-only"
            system["boot_mode"] = boot["BootSourceOverrideMode"]
        target = boot.get("BootSourceOverrideTarget", "None")
        if target not in ("None", "Pxe", "Hdd", "Cd"):
            return f"unknown target {target}"
        if target == "None" or boot.get("BootSourceOverrideEnabled") == "Disabled":
            system.pop("once", None)
        else:
            system["once"] = target
        return None


def _refusal(message: str, status: int, code: str = "Base.1.0.GeneralError") -> flask.Response:
    body = {"error": {"code": code, "message": message, "@Message.ExtendedInfo": [{"MessageId": code}]}}
    return flask.Response(json.dumps(body), status, content_type="application/json")


@emulator.app.before_request  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def alone() -> flask.Response | None:
    """A BMC knows its own system."""
    identity = flask.request.path.removeprefix("/redfish/v1/Systems/").partition("/")[0]
    if flask.request.path.startswith("/redfish/v1/Systems/") and identity in emulator.app.systems._systems:
        port = emulator.app.systems._get(identity).get("port")
        if port and int(flask.request.environ["SERVER_PORT"]) != port:
            return _refusal("no such system", 404)
    return None


@emulator.app.before_request  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def inject() -> flask.Response | None:
    """Faults: [{method, path, status, delay, count, headers}], each used up `count` times."""
    asked = flask.request
    systems = emulator.app.systems
    systems.note(event="request", method=asked.method, path=asked.path)
    with systems.lock:
        file = Path(emulator.app.config["BMC_FAULTS"])
        rules = json.loads(file.read_text(encoding="utf-8"))
        for rule in rules:
            if asked.method == rule["method"] and rule["path"] in asked.path and rule.get("count", 1) > 0:
                rule["count"] = rule.get("count", 1) - 1
                file.write_text(json.dumps(rules), encoding="utf-8")
                break
        else:
            return None
    time.sleep(rule.get("delay", 0))
    if "status" not in rule:
        return None
    answer = _refusal(rule.get("message", "injected"), rule["status"])
    answer.headers.update(rule.get("headers", {}))
    return answer


@emulator.app.before_request  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def order() -> flask.Response | None:
    """Boot options are taken here: the stock service drops how long they hold."""
    asked = flask.request
    if asked.method != "PATCH" or not asked.path.startswith("/redfish/v1/Systems/"):
        return None
    identity, _, rest = asked.path.removeprefix("/redfish/v1/Systems/").partition("/")
    systems = emulator.app.systems
    if systems.habit(identity, "future_state"):
        if rest != "SD":
            return _refusal("ask the settings for the state to come", 400, f"Ami.1.0.{FUTURE}")
        if asked.headers.get("If-Match") != _etag(_future(identity)):
            return _refusal("seen by nobody", 412)
    why = systems.order(identity, asked.json.get("Boot", {}))
    return _refusal(why, 400) if why else flask.Response(status=204)


def _boot(system: dict[str, Any]) -> dict[str, str]:
    boot = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}
    if "once" in system:
        held = "Continuous" if system["habits"].get("forgets_once") else "Once"
        boot = {"BootSourceOverrideEnabled": held, "BootSourceOverrideTarget": system["once"]}
    return {**boot, "BootSourceOverrideMode": system.get("boot_mode", "UEFI")}


def _future(identity: str) -> str:
    return json.dumps({"Id": "SD", "Boot": _boot(emulator.app.systems._get(identity))})


def _etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:12]}"'


@emulator.app.route("/redfish/v1/Systems/<identity>/SD", methods=["GET"])  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def settings(identity: str) -> flask.Response:
    return flask.Response(_future(identity), content_type="application/json")


@emulator.app.after_request  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def shape(answer: flask.Response) -> flask.Response:
    asked = flask.request
    if asked.method != "GET" or answer.status_code != 200:
        return answer
    if asked.path.startswith("/redfish/v1/Systems/") and asked.path.count("/") == 4:
        told = json.loads(answer.data)
        system = emulator.app.systems._get(told["Id"])
        told["SerialNumber"] = system["serial"]
        told["Boot"].update(_boot(system))
        if system["habits"].get("future_state"):
            # Only its own settings tell what is to come.
            told["Boot"].update(BootSourceOverrideEnabled="Disabled", BootSourceOverrideTarget="None")
        answer.data = json.dumps(told)
    answer.headers["ETag"] = _etag(answer.get_data(as_text=True))
    return answer


def main(machines: type[Machines] = Machines) -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    fakedriver.FakeDriver = machines  # The service looks it up when it is first asked.
    emulator.app.configure(
        extra_config={
            "SUSHY_EMULATOR_FAKE_DRIVER": True,
            "SUSHY_EMULATOR_AUTH_FILE": given["htpasswd"],
            "BMC_SYSTEMS": given["systems"],
            "BMC_JOURNAL": given["journal"],
            "BMC_FAULTS": given["faults"],
            "BMC_MATCHBOX": given.get("matchbox"),
        }
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(given["certificate"], given["key"])
    for system in given["systems"]:
        if port := system.get("port"):
            more = serving.make_server("127.0.0.1", port, emulator.app, threaded=True, ssl_context=tls)
            threading.Thread(target=more.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    emulator.app.run(host="127.0.0.1", port=given["port"], ssl_context=tls, threaded=True)


if __name__ == "__main__":
    main()
