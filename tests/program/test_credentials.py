"""An attack: whoever edits the stack file has a password sent to an address of their own.

Each secret names the hosts that it is for. A plan compares them with every address of the stack file that gets it.
"""

import json

import pulumi
import pytest
import yaml
from conftest import changed, plain, run_program

from core.facts.bmc import FINGERPRINT_DIGITS

MATCHBOX = {"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "matchbox.prod.example.com"}
BMC = {"username": "root", "password": "hunter2", "hosts": "*.bmc.prod.example.com"}
REGISTRY = {"username": "puller", "password": "hunter3", "hosts": "mirror.prod.example.com"}
POWER = "bedplate-native:metal:Power"
KINDS = {"matchbox": MATCHBOX, "bmc": BMC}
EVIL = {
    "machines.cp-1.bmc.url": "https://evil.example.com",
    "machines.cp-1.bmc.fingerprint": "ab" * (FINGERPRINT_DIGITS // 2),
}
SET = "./bedplate pulumi config set --secret --path"


def secrets(**kinds):
    return {f"bedplate:{kind}": json.dumps(value) for kind, value in {**KINDS, **kinds}.items()}


def refused(platform, config, preview=True):
    with pytest.raises(pulumi.RunError) as raised:
        run_program(platform, preview, config)
    for password in ("hunter2", "hunter3", "KEY"):
        assert password not in str(raised.value)
    return str(raised.value).splitlines()


@pytest.mark.parametrize("preview", [True, False])
def test_a_bmc_elsewhere_is_refused_before_anything_is_sent(prod, preview):
    """The attack of the review: cp-1's BMC becomes the attacker's, and its certificate is pinned."""
    assert refused(changed(prod, EVIL), secrets(), preview) == [
        "platform.machines.cp-1.bmc.url: evil.example.com is not among the hosts of the secret bedplate:bmc.hosts; the "
        "credentials would be sent to a host that they are not for; correct the address, or set all hosts again: "
        f"{SET} 'bedplate:bmc.hosts' 'HOSTS, evil.example.com' --stack test"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://cp-1.bmc.prod.example.com.evil.org",
        "https://evil.org",
        "https://10.20.1.5",
        "https://a.cp-1.bmc.prod.example.com",
        "https://bmc.prod.example.com",
        "https://[2001:db8::1]:8443",
    ],
)
def test_other_spellings_of_elsewhere(prod, url):
    (line,) = refused(changed(prod, {"machines.cp-1.bmc.url": url}), secrets())
    assert line.startswith("platform.machines.cp-1.bmc.url: ") and "is not among the hosts" in line


def test_every_kind_of_credential_is_bound_to_its_hosts_and_all_faults_are_reported_at_once(prod):
    edits = {
        **EVIL,
        "machines.wk-2.bmc.url": "https://evil.example.com:8443",
        "boot.matchbox.endpoint": "evil.example.com:8081",
        "registries.auth": ["evil.example.com"],
    }
    lines = refused(changed(prod, edits), secrets(registries={"evil.example.com": REGISTRY}))
    assert [line.partition(": ")[0] for line in lines] == [
        "platform.boot.matchbox.endpoint",
        "platform.machines.cp-1.bmc.url",
        "platform.machines.wk-2.bmc.url",
        "platform.registries.auth.0",
    ]
    assert all("evil.example.com is not among the hosts of the secret bedplate:" in line for line in lines)


@pytest.mark.parametrize("preview", [True, False])
def test_a_secret_of_an_earlier_release_is_refused_with_the_line_to_write(prod, preview):
    """Without hosts it would go anywhere, and whoever edits the file could remove them."""
    old = {kind: {part: text for part, text in login.items() if part != "hosts"} for kind, login in KINDS.items()}
    host = "mirror.prod.example.com"
    old["registries"] = {host: {"username": "puller", "password": "hunter3"}}
    why = "is missing; without it the credentials would be sent to any address that the stack file names; check these "
    assert refused(changed(prod, {"registries.auth": [host]}), secrets(**old), preview) == [
        f"bedplate:matchbox.hosts: {why}hosts, and run: {SET} 'bedplate:matchbox.hosts' 'matchbox.prod.example.com,' "
        "--stack test",
        f"bedplate:bmc.hosts: {why}hosts, and run: {SET} 'bedplate:bmc.hosts' '*.bmc.prod.example.com' --stack test",
        f"bedplate:registries.{host}.hosts: {why}hosts, and run: {SET} 'bedplate:registries[\"{host}\"].hosts' "
        f"'{host},' --stack test",
    ]


def test_a_machines_own_login_can_have_its_own_hosts(prod):
    moved = changed(prod, {"machines.cp-2.bmc.url": "https://10.20.1.5"})
    own = {"cp-2": {"password": "hunter2", "hosts": ["10.20.1.0/24"]}}
    made = run_program(moved, False, secrets(bmc={**BMC, "machines": own})).engine.of(POWER)
    assert plain(made["metal-cp-2"])["url"] == "https://10.20.1.5"
    # They limit its login in place of the common ones, and no other login.
    (line,) = refused(prod, secrets(bmc={**BMC, "machines": own}))
    assert "cp-2.bmc.prod.example.com is not among the hosts of the secret bedplate:bmc.machines.cp-2.hosts" in line
    (line,) = refused(
        changed(moved, {"machines.cp-1.bmc.url": "https://10.20.1.6"}), secrets(bmc={**BMC, "machines": own})
    )
    assert line.startswith("platform.machines.cp-1.bmc.url: 10.20.1.6 is not among")


def test_hosts_that_allow_everything_are_refused_and_not_shown(prod):
    (line,) = refused(prod, secrets(bmc={**BMC, "hosts": "cp-1.secret-site.example.com *"}))
    assert line.startswith("bedplate:bmc.hosts[1]: is neither a host")
    assert "secret-site" not in line


def test_a_secret_that_is_no_mapping_is_refused_and_not_shown(prod):
    (line,) = refused(prod, {"bedplate:bmc": "hunter2"})
    assert line.startswith(
        "bedplate:bmc: is not a mapping; a credential consists of username, password, hosts and machines; remove it "
        "with: ./bedplate pulumi config rm bedplate:bmc --stack test; then set each part by its path, such as: "
    )


def test_a_secret_with_an_unknown_key_is_refused_and_not_shown(prod):
    lines = refused(prod, secrets(bmc={**BMC, "hunter2": "x"}))
    assert len(lines) == 1
    assert lines[0].startswith("bedplate:bmc: has a key that is none of username, password, hosts, machines; it would ")


def test_a_plan_without_credentials_has_nothing_to_compare(prod):
    assert len(run_program(changed(prod, EVIL), True).engine.of(POWER)) == 5


@pytest.fixture
def stack_file(tmp_path, monkeypatch):
    """Writes what the stack file has under `config:`, beside the platform."""
    monkeypatch.chdir(tmp_path)

    def write(**config):
        document = {"config": {f"bedplate:{key}": value for key, value in config.items()}}
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    return write


def test_hosts_that_the_editor_of_the_stack_file_could_write_limit_nothing(prod, stack_file):
    """The attack one step on: the hosts are edited together with the address."""
    secret = {"secure": "v1:encrypted"}
    stack_file(bmc={"username": secret, "password": secret, "hosts": "evil.example.com"})
    held = secrets(bmc={**BMC, "hosts": "evil.example.com *.bmc.prod.example.com"})
    assert refused(changed(prod, EVIL), held) == [
        "bedplate:bmc.hosts: is plain text in Pulumi.test.yaml; a person who edits an address in that file could edit "
        "the hosts too, and would get the password; encrypt it: "
        f"{SET} 'bedplate:bmc.hosts' 'HOSTS' --stack test"
    ]
    stack_file(bmc={"username": secret, "password": secret, "hosts": secret})
    assert len(run_program(prod, True, secrets()).engine.of(POWER)) == 5


@pytest.mark.parametrize("copied", ["admin", ["*.bmc.prod.example.com", "Admin"], "puller"])
def test_hosts_that_are_copied_from_another_secret_allow_nothing(prod, copied):
    """An encrypted text is not bound to its key, and a computer can be given a user's name."""
    name = copied if isinstance(copied, str) else "admin"
    moved = changed(prod, {"machines.cp-1.bmc.url": f"https://{name}", "registries.auth": ["mirror.prod.example.com"]})
    own = {"cp-1": {"hosts": copied}}
    held = secrets(bmc={**BMC, "username": "admin", "machines": own}, registries={"mirror.prod.example.com": REGISTRY})
    assert refused(moved, held) == [
        "bedplate:bmc.machines.cp-1.hosts: has the text of another secret; an encrypted text can be copied to another "
        f"key by someone who can't read it; write the hosts again: {SET} 'bedplate:bmc.machines.cp-1.hosts' 'HOSTS' "
        "--stack test"
    ]


def test_a_review_knows_no_hosts_and_an_up_is_never_a_review(prod, monkeypatch, stack_file):
    stack_file(bmc={"username": "stand-in", "password": "stand-in", "hosts": "stand-in"})
    held = secrets(bmc={**BMC, "hosts": "stand-in for bedplate:bmc.hosts"})
    monkeypatch.setenv("BEDPLATE_REVIEW", "1")
    assert len(run_program(prod, True, held).engine.of(POWER)) == 5
    lines = refused(prod, held, preview=False)
    assert [line.partition(": ")[0] for line in lines] == [
        "bedplate:bmc.hosts",
        "bedplate:bmc.password",
        "bedplate:bmc.hosts[2]",
    ]


def test_a_credential_in_plain_text_is_refused_with_the_line_to_type(prod, stack_file):
    stack_file(
        matchbox={**MATCHBOX, "hosts": {"secure": "v1:a"}}, bmc={**BMC, "machines": {"cp-1": {"password": "hunter2"}}}
    )
    lines = refused(prod, secrets(bmc={**BMC, "machines": {"cp-1": {"password": "hunter2"}}}))
    why = "is plain text in Pulumi.test.yaml; whoever reads the file has it; encrypt it: "
    assert lines == [
        "bedplate:bmc.hosts: is plain text in Pulumi.test.yaml; a person who edits an address in that file could edit "
        f"the hosts too, and would get the password; encrypt it: {SET} 'bedplate:bmc.hosts' 'HOSTS' --stack test",
        f"bedplate:bmc.machines.cp-1.password: {why}{SET} 'bedplate:bmc.machines.cp-1.password' --stack test",
        f"bedplate:bmc.password: {why}{SET} 'bedplate:bmc.password' --stack test",
        f"bedplate:matchbox.key: {why}{SET} 'bedplate:matchbox.key' --stack test",
    ]
