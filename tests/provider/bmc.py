"""A BMC for tests: sushy-tools' Redfish service, with what it lacks. bmc.py CONFIG.json

A boot consumes `Once`, systems have serial numbers, answers have ETags, and a system can have the faults of real ones
(see Machines). One process may be the BMCs of many machines, each on a port of its own, which knows no other system.
With a boot server, a boot from the network requests what the machine would, and records the answer. Systems are
simulated here; another program may call main() with machines of its own, which start and stop real ones. Faults come
from a file, so that a test can change them while the BMC runs.
"""

import hashlib
import json
import os
import signal
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

from tests.provider import habits


class Machines(fakedriver.FakeDriver):  # type: ignore[misc]  # sushy-tools has no types.
    """Systems that are switched in memory. What each does is in the journal, a JSON object a line.

    A system's `habits`: vendor (see habits.py), refuses_mode, ignores_mode, future_state, forgets_once,
    forgets_with_power, refuses_withdrawal, ignores_withdrawal, in_post (requests), never_starts, never_stops,
    boots_slowly (seconds).
    It may have `told`: properties of the system's document that differ, such as UUID, SKU and Manufacturer.
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
        target = habits.booted(system)
        self.note(event="boot", system=system["name"], target=target, mode=system.get("boot_mode", "UEFI"))
        self.start(system, target)
        delay = system["habits"].get("boots_slowly")
        if delay:
            system["pending_power"] = {"power_state": "On", "apply_time": time.time() + delay}
        else:
            system["power_state"] = "On"

    def _halt(self, system: dict[str, Any]) -> None:
        if system["habits"].get("never_stops"):
            return
        self.note(event="halt", system=system["name"])
        self.stop(system)
        if system["habits"].get("forgets_with_power"):
            system.pop("once", None)
        system["power_state"] = "Off"


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
    """Faults: [{method, path, status, delay, count, headers}], each used up `count` times.

    Also {become, changes}, which changes a system, and {kill, at}, which kills the process that sends that request.
    """
    asked = flask.request
    systems = emulator.app.systems
    systems.note(event="request", method=asked.method, path=asked.path)
    with systems.lock:
        file = Path(emulator.app.config["BMC_FAULTS"])
        rules = json.loads(file.read_text(encoding="utf-8"))
        for rule in rules:
            if "become" in rule:
                system = systems._systems[rule["become"]]
                system.update(rule["changes"])
                for name in [name for name, value in system.items() if value is None]:
                    del system[name]
                return None
            if "kill" in rule:
                rule["at"] -= 1
                flask.g.kill = rule["kill"] if rule["at"] == 0 else None
                file.write_text(json.dumps(rules), encoding="utf-8")
                return None
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
    system, boot = systems._get(identity), asked.json.get("Boot", {})
    with systems.lock:
        if habits.wants_etag(system):
            if not rest:
                return _refusal("ask the settings for the state to come", 400, f"Ami.1.0.{habits.FUTURE}")
            if asked.headers.get("If-Match") != _etag(_future(identity)):
                return _refusal("seen by nobody", 412)
        why = habits.refusal(system, bool(rest), boot) or habits.take(system, boot)
        systems.note(
            event="order", system=system["name"], armed=habits.is_ordered(system), mode=system.get("boot_mode")
        )
    return _refusal(why, 400) if why else flask.Response(status=204)


def _future(identity: str) -> str:
    system = emulator.app.systems._get(identity)
    return json.dumps({"Id": habits.settings(system), "Boot": habits.shown(system, in_settings=True)})


def _etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:12]}"'


@emulator.app.route("/redfish/v1/Systems/<identity>/SD", methods=["GET"])  # type: ignore[untyped-decorator]  # sushy-tools has no types.
@emulator.app.route("/redfish/v1/Systems/<identity>/Settings", methods=["GET"])  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def settings(identity: str) -> flask.Response:
    if flask.request.path.rsplit("/", 1)[-1] != habits.settings(emulator.app.systems._get(identity)):
        return _refusal("no such resource", 404)
    return flask.Response(_future(identity), content_type="application/json")


@emulator.app.after_request  # type: ignore[untyped-decorator]  # sushy-tools has no types.
def shape(answer: flask.Response) -> flask.Response:
    asked = flask.request
    if flask.g.get("kill"):
        # The process that asked: its request is carried out, and it never reads the answer.
        os.kill(flask.g.kill, signal.SIGKILL)
    if asked.method != "GET" or answer.status_code != 200:
        return answer
    if asked.path.startswith("/redfish/v1/Systems/") and asked.path.count("/") == 4:
        told = json.loads(answer.data)
        system = emulator.app.systems._get(told["Id"])
        told["SerialNumber"] = system["serial"]
        told.update(system.get("told", {}))
        for name in (habits.TARGET, habits.ENABLED, habits.MODE):
            told["Boot"].pop(name, None)
        told["Boot"].update(habits.shown(system, in_settings=False))
        if habits.names_settings(system):
            link = f"{asked.path.rstrip('/')}/{habits.settings(system)}"
            told["@Redfish.Settings"] = {"SettingsObject": {"@odata.id": link}}
        answer.data = json.dumps(told)
    answer.headers["ETag"] = _etag(answer.get_data(as_text=True))
    return answer


def configured(given: dict[str, Any], machines: type[Machines] = Machines) -> emulator.Application:
    """The service, with the systems, files and credentials of a CONFIG.json."""
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
    return emulator.app


def main(machines: type[Machines] = Machines) -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    app = configured(given, machines)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(given["certificate"], given["key"])
    for system in given["systems"]:
        if port := system.get("port"):
            more = serving.make_server("127.0.0.1", port, app, threaded=True, ssl_context=tls)
            threading.Thread(target=more.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    app.run(host="127.0.0.1", port=given["port"], ssl_context=tls, threaded=True)


if __name__ == "__main__":
    main()
