"""Secrets in the stack file: encrypted where one may stand, and in plain text nowhere."""

import copy
import json
import time
from datetime import date

import pytest
import yaml
from conftest import changed

from core import standins
from core.facts import secret_forms, secret_looks, secret_places
from core.facts.contracts import KINDS
from core.facts.secret_places import Holds
from core.loading import stackfile
from core.model import StackFileError, parse, sealed, secrecy, stored
from core.model.faults import Sentence
from core.model.setting import property_path

KEY = "bedplate:platform"
MARK = "MARK-hunter2-5521"
NAS = {"provisioner": "nas.example.com", "modes": ["RWO Filesystem"]}
BLANKS = "\t  \t" * 5
HASH = "$6$rounds=4096$saltsalt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n-----END {0}PRIVATE KEY-----\n"
WIREGUARD = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="


def encrypted(text):
    return {"secure": f"v1:{text}:c2VjcmV0"}


def faults(platform):
    with pytest.raises(StackFileError) as raised:
        parse(platform)
    return [str(fault) for fault in raised.value.faults]


def patched(platform, *patches):
    return changed(platform, {"talos.patches": list(patches)})


def document(kind, **fields):
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def extension(*environment, **fields):
    return document("ExtensionServiceConfig", name="vpn", environment=list(environment), **fields)


REFERS = """
kind: ExternalSecret
spec:
  target: {template: {kind: Secret}}
---
kind: ConfigMap
data: {a: b}
---
kind: Pod
spec:
  containers:
  - env:
    - name: DB_PASSWORD
      valueFrom: {secretKeyRef: {name: db-password, key: value}}
    - name: DB_TOKEN
      value: $(OTHER)
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
"""
PLAIN_PATCHES = [
    # A proxy's password, in each place that has a proxy.
    ({"machine": {"env": {"https_proxy": f"http://user:{MARK}@proxy.example.com:3128"}}}, "machine.env.https_proxy"),
    ({"machine": {"env": {"HTTP_PROXY": f"http://:{MARK}@proxy"}}}, "machine.env.HTTP_PROXY"),
    ({"machine": {"env": {"http_proxy": f"socks5://a:{MARK}@10.0.0.1:1080"}}}, "machine.env.http_proxy"),
    ({"machine": {"env": {"VAULT_TOKEN": MARK}}}, "machine.env.VAULT_TOKEN"),
    ({"cluster": {"apiServer": {"env": {"OIDC_CLIENT_SECRET": MARK}}}}, "cluster.apiServer.env.OIDC_CLIENT_SECRET"),
    # Services of extensions: UPS, tunnel, VPN.
    (extension(f"UPS_PASSWORD={MARK}"), "environment[0]"),
    (extension("A=b", f"TS_AUTHKEY=tskey-auth-{MARK}"), "environment[1]"),
    (extension(f"TUNNEL_TOKEN={MARK}"), "environment[0]"),
    (
        document(
            "ExtensionServiceConfig", name="nut", configFiles=[{"content": f"password = {MARK}", "mountPath": "/a"}]
        ),
        "configFiles[0].content",
    ),
    (
        document("ExtensionServiceConfig", name="x", configFiles=[{"content": PEM.format("EC "), "mountPath": "/a"}]),
        "configFiles[0].content",
    ),
    # What is nothing but a secret.
    (document("RegistryAuthConfig", name="r.example.com", username="u", password=MARK), "password"),
    (document("RegistryAuthConfig", name="r.example.com", auth="dXNlcjpw"), "auth"),
    (document("RegistryAuthConfig", name="r.example.com", identityToken=MARK), "identityToken"),
    (document("WireguardConfig", name="wg0", privateKey=WIREGUARD), "privateKey"),
    (document("WireguardConfig", name="wg0", peers=[{"presharedKey": WIREGUARD}]), "peers[0].presharedKey"),
    (document("HCloudVIPConfig", name="10.0.0.1", link="eth0", apiToken=MARK), "apiToken"),
    (
        document("UserVolumeConfig", name="a", encryption={"keys": [{"slot": 0, "static": {"passphrase": MARK}}]}),
        "encryption.keys[0].static.passphrase",
    ),
    # Files and static pods.
    ({"machine": {"files": [{"path": "/var/a", "content": PEM.format("")}]}}, "machine.files[0].content"),
    ({"machine": {"files": [{"path": "/var/a", "content": PEM.format("OPENSSH ")}]}}, "machine.files[0].content"),
    ({"machine": {"files": [{"path": "/var/a", "content": f"PrivateKey = {WIREGUARD}"}]}}, "machine.files[0].content"),
    ({"machine": {"files": [{"path": "/var/a", "content": f"root:{HASH}:1::::::"}]}}, "machine.files[0].content"),
    (
        {"machine": {"pods": [{"spec": {"containers": [{"env": [{"name": "A", "value": f"https://u:{MARK}@h"}]}]}}]}},
        "machine.pods[0].spec.containers[0].env[0].value",
    ),
    (
        {"machine": {"pods": [{"spec": {"containers": [{"args": [f"--password={MARK}"]}]}}]}},
        "machine.pods[0].spec.containers[0].args[0]",
    ),
    # Named by what stands beside it.
    (
        {"machine": {"pods": [{"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": MARK}]}]}}]}},
        "machine.pods[0].spec.containers[0].env[0].value",
    ),
    (
        {"machine": {"pods": [{"spec": {"initContainers": [{"command": ["a", "--db-password", MARK]}]}}]}},
        "machine.pods[0].spec.initContainers[0].command[2]",
    ),
    (extension(f"UPS_PASS={MARK}"), "environment[0]"),
    (extension(f"MYSQL_PWD={MARK}"), "environment[0]"),
    *(
        (
            document(
                "ExtensionServiceConfig",
                name="nut",
                configFiles=[{"content": f"# of the rack\n{line}\n", "mountPath": "/a"}],
            ),
            "configFiles[0].content",
        )
        for line in (
            f"MONITOR ups@10.0.0.1 1 upsmon {MARK} slave",
            f"MONITOR ups@ups-1 1 upsmon {MARK} secondary",
            f'MONITOR "ups@ups-1" 1 "ups mon" "{MARK} and more" primary',
            f"MONITOR ups@10.0.0.1:3493{BLANKS}1{BLANKS}upsmon{BLANKS}{MARK}{BLANKS}secondary",
            f'CERTIDENT "upsmon" "{MARK}"',
            f"CERTIDENT upsmon {MARK}",
            f"[admin]\n  password = {MARK}\n  upsmon primary",
        )
    ),
    ({"machine": {"env": {"http_proxy": f"HTTP://{MARK}@proxy:3128"}}}, "machine.env.http_proxy"),
    (document("SideroLinkConfig", apiUrl=f"https://link.example.com/?jointoken={MARK}"), "apiUrl"),
    # Manifests.
    (
        {"cluster": {"inlineManifests": [{"name": "a", "contents": f"kind: Secret\nstringData:\n  a: {MARK}\n"}]}},
        "cluster.inlineManifests[0].contents",
    ),
    (
        {"cluster": {"inlineManifests": [{"name": "a", "contents": f"- name: DB_PASSWORD\n  value: {MARK}\n"}]}},
        "cluster.inlineManifests[0].contents",
    ),
    (
        {"cluster": {"inlineManifests": [{"name": "a", "contents": f'{{"kind":"Secret","data":{{"a":"{MARK}"}}}}'}]}},
        "cluster.inlineManifests[0].contents",
    ),
]


@pytest.mark.parametrize(("patch", "place"), PLAIN_PATCHES, ids=[f"{i}-{p}" for i, (_, p) in enumerate(PLAIN_PATCHES)])
@pytest.mark.parametrize("where", ["talos", "machines.cp-1", "classes.big"])
def test_a_patch_with_a_secret_in_plain_text_is_refused_with_the_line_to_type(dev, patch, place, where):
    platform = changed(dev, {"classes": {"big": {"labels": {"a.example.com/b": "c"}}}}) if "big" in where else dev
    platform = changed(
        platform, {f"{where}.patches": [{"machine": {"sysctls": {"vm.max_map_count": "262144"}}}, patch]}
    )
    found = [line for line in faults(platform) if "config set" in line]
    assert len(found) == 1, found
    assert found[0].startswith(f"platform.{where}.patches.1.{place.replace('[', '.').replace(']', '')}: ")
    assert found[0].endswith(
        f"encrypt it: ./bedplate pulumi config set --path --secret 'bedplate:platform.{where}.patches[1].{place}' "
        "--stack STACK"
    )
    for secret in (MARK, WIREGUARD, HASH, "MIGH"):
        assert secret not in found[0]


PLAIN_CLOUD_INIT = [
    ({"password": MARK}, "password", "a password"),
    ({"password": 12345678}, "password", "a password"),
    ({"password": HASH}, "password", "the hash of a password"),
    ({"chpasswd": {"list": f"root:{MARK}\n"}}, "chpasswd.list", "a password"),
    ({"chpasswd": {"list": ["root:RANDOM", f"a:{MARK}"]}}, "chpasswd.list[1]", "a password"),
    ({"chpasswd": {"users": [{"name": "a", "password": MARK}]}}, "chpasswd.users[0].password", "a password"),
    ({"users": [{"name": "a", "plain_text_passwd": MARK}]}, "users[0].plain_text_passwd", "a password"),
    ({"users": ["default", {"name": "a", "hashed_passwd": HASH}]}, "users[1].hashed_passwd", "the hash of a password"),
    ({"users": [{"name": "a", "passwd": "$y$j9T$abcdefgh$ijklmnopqrst"}]}, "users[0].passwd", "the hash of a password"),
    ({"ssh_keys": {"rsa_private": PEM.format("OPENSSH ")}}, "ssh_keys.rsa_private", "a password or a key"),
    ({"write_files": [{"path": "/a", "content": PEM.format("RSA ")}]}, "write_files[0].content", "a private key"),
    ({"write_files": [{"path": "/a", "content": f"token: {MARK}"}]}, "write_files[0].content", "a password or a key"),
    ({"apt": {"http_proxy": f"http://u:{MARK}@p:3128"}}, "apt.http_proxy", "an address with a password"),
    ({"runcmd": [f"curl -H 'Authorization: Bearer {MARK}' https://a"]}, "runcmd[0]", "a token"),
    ({"runcmd": [["mysql", "--password", MARK]]}, "runcmd[0][2]", "a password or a key"),
    ({"runcmd": [["sh", "-c", f"echo root:{MARK} | chpasswd"]]}, "runcmd[0][2]", "a password"),
    ({"ubuntu_pro": {"token": MARK}}, "ubuntu_pro.token", "a password or a key"),
    ({"rh_subscription": {"activation-key": MARK}}, "rh_subscription.activation-key", "a password or a key"),
]


@pytest.mark.parametrize(
    ("config", "place", "what"), PLAIN_CLOUD_INIT, ids=[f"{i}-{p}" for i, (_, p, _) in enumerate(PLAIN_CLOUD_INIT)]
)
def test_cloud_init_with_a_secret_in_plain_text_is_refused_with_the_line_to_type(dev, config, place, what):
    vm = next(iter(dev["vms"]))
    (line,) = faults(changed(dev, {f"vms.{vm}.cloud_init": config}))
    dotted = place.replace("[", ".").replace("]", "")
    assert line == (
        f"platform.vms.{vm}.cloud_init.{dotted}: contains {what} in plain text; the stack file is plain text, and so "
        "are plans and states; encrypt it: ./bedplate pulumi config set --path --secret "
        f"'bedplate:platform.vms.{vm}.cloud_init.{place}' --stack STACK"
    )


def test_what_only_resembles_a_secret_is_accepted(dev):
    vm = next(iter(dev["vms"]))
    cloud_init = {
        "ssh_pwauth": False,
        "chpasswd": {"expire": False, "list": "root:RANDOM"},
        "users": ["default", {"name": "a", "lock_passwd": True, "passwd": "*", "ssh_authorized_keys": []}],
        "write_files": [
            {"path": "/etc/nsswitch.conf", "content": "passwd: files systemd\nshadow: files\n"},
            {
                "path": "/etc/ssh/sshd_config.d/a.conf",
                "content": "PasswordAuthentication no\nPermitEmptyPasswords no\n",
            },
            {"path": "/run/a", "content": "PASSWORD_FILE=/run/secrets/db\nPASSWORD=$DB\ntoken_ttl: 60\n"},
        ],
        "runcmd": ["git clone ssh://git@git.example.com/a.git", "docker pull a.example.com/b@sha256:" + "0" * 64],
    }
    patches = [
        {"machine": {"env": {"https_proxy": "http://proxy.example.com:3128", "no_proxy": "10.0.0.0/8"}}},
        extension("TS_HOSTNAME=a", "TS_AUTHKEY_FILE=/etc/key", "UPS_PASSWORD=", "BYPASS=10.0.0.0/8", "PWD=/srv"),
        document(
            "ExtensionServiceConfig",
            name="nut",
            configFiles=[
                {
                    "content": "# MONITOR system 1 user password role\nMONITOR a@b 1 upsmon ${PASSWORD} primary\n",
                    "mountPath": "/a",
                }
            ],
        ),
        {"cluster": {"inlineManifests": [{"name": "a", "contents": REFERS}]}},
        {"machine": {"pods": [{"spec": {"containers": [{"args": ["--password-file", "a", "--token", "--quiet"]}]}}]}},
        {"machine": {"files": [{"path": "/var/a", "op": "create", "content": "[plugins]\n  enable = true\n"}]}},
        {"machine": {"nodeAnnotations": {"example.com/owner": "mail:team@example.com"}}},
        {"machine": {"udev": {"rules": ['SUBSYSTEM=="block", ENV{ID_KEY}="usb", SYMLINK+="token=stick"']}}},
    ]
    parse(changed(dev, {f"vms.{vm}.cloud_init": cloud_init, "talos.patches": patches}))


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (
            {"workloads": {"w": {"image": "a.example.com/b:1", "command": [f"--password={MARK}"]}}},
            "workloads.w.command.0",
        ),
        (
            {"workloads": {"w": {"image": "a.example.com/b:1", "command": ["a", f"amqp://u:{MARK}@h"]}}},
            "workloads.w.command.1",
        ),
        (
            {"workloads": {"w": {"image": "a.example.com/b:1", "command": ["a", "--password", MARK]}}},
            "workloads.w.command.2",
        ),
        (
            {"talos.schematic": {"kernel_args": [f"siderolink.api=grpc://h:8090?jointoken={MARK}"]}},
            "talos.schematic.kernel_args.0",
        ),
        ({"talos.schematic": {"kernel_args": [f"talos.config=https://u:{MARK}@h/"]}}, "talos.schematic.kernel_args.0"),
        (
            {"talos.patches": [{"machine": {"sysctls": {"a.b": f"https://u:{MARK}@h"}}}]},
            "talos.patches.0.machine.sysctls.a.b",
        ),
        (
            {"machines.cp-1.schematic": {"kernel_args": [f"talos.config=https://u:{MARK}@h/"]}},
            "machines.cp-1.schematic.kernel_args.0",
        ),
        ({"cilium.values": {"a": {"b": f"password={MARK}"}}}, "cilium.values.a.b"),
        ({"cilium.values": {"a": {"password": MARK, "existingSecret": "a"}}}, "cilium.values.a.password"),
        *(
            ({"storage": {"classes": {"nas": {**NAS, "parameters": given}}}}, f"storage.classes.nas.parameters.{key}")
            for key, given in {
                "password": {"password": MARK, "adminSecretName": "nas"},
                "apiKey": {"apiKey": MARK},
                "server": {"server": f"https://u:{MARK}@nas", "csi.storage.k8s.io/node-stage-secret-name": "nas"},
            }.items()
        ),
    ],
)
def test_a_secret_where_nothing_can_be_encrypted_has_another_remedy(dev, edit, path):
    (line,) = [line for line in faults(changed(dev, edit)) if "can't be encrypted" in line]
    assert line.startswith(f"platform.{path}: contains ") and MARK not in line
    assert line.endswith("this place can't be encrypted; remove it, and replace the secret where it is in use")


@pytest.mark.parametrize(
    "patch",
    [
        {"machine": {"token": MARK}},
        {"cluster": {"secretboxEncryptionSecret": MARK}},
        document("KubeServiceAccountConfig", issuer={"privateKey": PEM.format("")}),
        document("DiscoveryIdentityConfig", clusterSecret=MARK),
    ],
)
@pytest.mark.parametrize("sealed_too", [False, True])
def test_a_part_of_the_pki_is_refused_in_plain_text_and_encrypted(dev, patch, sealed_too):
    text = json.dumps(patched(dev, patch)).replace(
        json.dumps(MARK), '"(secret 000000000000)"' if sealed_too else f'"{MARK}"'
    )
    lines = [line for line in faults(json.loads(text)) if "PKI" in line]
    assert len(lines) == 1 and MARK not in lines[0]
    assert lines[0].endswith("the PKI in the stack's state has it, and another one locks machines out; remove it")


# Encrypted values.


def stack_file(dev, patches, cloud_init=None):
    vm = next(iter(dev["vms"]))
    return {KEY: changed(dev, {"talos.patches": patches, f"vms.{vm}.cloud_init": cloud_init or {}})}


SEALED = [
    extension(encrypted("YQ==")),
    {"machine": {"env": {"https_proxy": encrypted("Yg==")}}},
    document("RegistryAuthConfig", name="r.example.com", username="u", password=encrypted("Yw==")),
]
CLOUD_INIT = {
    "users": [{"name": "a", "hashed_passwd": encrypted("ZA==")}],
    "write_files": [{"content": encrypted("ZQ==")}],
}


def decrypted(value, texts):
    """What the engine hands to the program."""
    if sealed.is_encrypted(value):
        return texts.pop(0)
    if isinstance(value, dict):
        return {key: decrypted(inner, texts) for key, inner in value.items()}
    return [decrypted(inner, texts) for inner in value] if isinstance(value, list) else value


def test_a_platform_with_encrypted_values_is_the_same_with_the_engine_and_without(dev):
    config = stack_file(dev, SEALED, CLOUD_INIT)
    texts = [f"VPN_PASSWORD={MARK}", f"http://a:{MARK}@p", f"{MARK}-1", HASH, PEM.format("")]
    handed = decrypted(config[KEY], texts.copy())
    program = sealed.sealed(handed, config, KEY)
    command = sealed.without_secrets(config[KEY], config).platform
    assert program.platform == command and sorted(program.secrets.values()) == sorted(texts)
    platform = parse(command)
    assert MARK not in repr(platform) and "'secure'" not in repr(platform)
    assert standins.opened(program.platform, program.secrets) == handed
    # Each set of the same text is another encrypted text, so a change is seen.
    again = copy.deepcopy(config)
    again[KEY]["talos"]["patches"][0]["environment"][0] = encrypted("Zg==")
    assert sealed.without_secrets(again[KEY], again).platform != command


def refused(config, handed=None):
    closed = sealed.sealed(handed or decrypted(config[KEY], [f"N={MARK}"] * 9), config, KEY)
    without_engine = sealed.without_secrets(config[KEY], config).faults
    assert set(map(str, without_engine)) <= set(map(str, closed.faults))
    return [str(fault) for fault in closed.faults]


def test_a_platform_that_is_encrypted_as_a_whole_is_refused():
    (line,) = refused({KEY: encrypted("YQ==")})
    assert line.startswith("bedplate:platform: is encrypted as a whole; people review the platform")


@pytest.mark.parametrize("spelled", ["v1:YQ==:c2VjcmV0", " v1:YQ==:c2VjcmV0\n", "v1:YR==:c2VjcmV0"])
def test_an_encrypted_text_is_accepted_at_one_place_only(dev, spelled):
    """Who can't read a password could copy its encrypted text to where it gets out, such as their VM."""
    vm = next(iter(dev["vms"]))
    config = stack_file(dev, [extension(encrypted("YQ=="))], {"password": {"secure": spelled}})
    assert refused(config) == [
        f"platform.vms.{vm}.cloud_init.password: has the encrypted text of platform.talos.patches[0].environment[0]; "
        "an encrypted text can be copied to another key by someone who can't read it; encrypt the value again for this "
        f"place: ./bedplate pulumi config set --path --secret 'bedplate:platform.vms.{vm}.cloud_init.password' "
        "--stack STACK"
    ]
    config = stack_file(dev, [extension({"secure": spelled})]) | {"bedplate:bmc": {"password": encrypted("YQ==")}}
    (line,) = refused(config)
    assert "patches.0.environment.0: has the encrypted text of a credential of the stack; " in line


def test_a_text_like_a_stand_in_is_refused_wherever_it_stands(dev):
    """It would get the secret of another place."""
    config = stack_file(dev, [extension(encrypted("YQ=="))])
    stand_in = next(standins.within(sealed.without_secrets(config[KEY], config).platform))
    forged = stack_file(dev, [extension(encrypted("YQ=="))], {"runcmd": [stand_in]})
    assert "cloud_init.runcmd.0: is a text like a stand-in; " in refused(forged)[0]
    (fault,) = sealed.included_faults({"vms": {"a": {"cloud_init": {"runcmd": [stand_in]}}}})
    assert str(fault).startswith("platform.vms.a.cloud_init.runcmd.0: is a text like a stand-in; ")
    # A secret that looks like one is a secret all the same, and is not looked up again.
    opened = standins.opened([stand_in], {stand_in: stand_in})
    assert opened == [stand_in]


def test_an_encrypted_value_in_an_included_file_is_refused(dev, tmp_path):
    (tmp_path / "vms.yaml").write_text(yaml.safe_dump({"vms": {"a": {**dev["vms"]["web"], "cloud_init": CLOUD_INIT}}}))
    config = {KEY: {**dev, "include": ["vms.yaml"]}}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    with pytest.raises(StackFileError) as raised:
        stackfile.load(tmp_path / "Pulumi.prod.yaml", root=tmp_path, today=date(2026, 1, 1))
    hashed, content = (line for line in raised.value.report.splitlines() if "included file" in line)
    assert (
        hashed.startswith("vms.yaml:")
        and "platform.vms.a.cloud_init.users.0.hashed_passwd: is encrypted in an " in hashed
    )
    assert content.endswith(
        "the engine decrypts the stack file alone; move the entry to the stack file, and encrypt the value there: "
        "./bedplate pulumi config set --path --secret 'bedplate:platform.vms.a.cloud_init.write_files[0].content' "
        "--stack prod"
    )


def test_a_stack_file_is_judged_with_its_credentials_and_the_stacks_name(dev, tmp_path):
    config = {KEY: changed(dev, {"vms.web.cloud_init": {"password": MARK}}), "bedplate:bmc": {"password": MARK}}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    with pytest.raises(StackFileError) as raised:
        stackfile.load(tmp_path / "Pulumi.prod.yaml", root=tmp_path, today=date(2026, 1, 1))
    lines = raised.value.report.splitlines()[1:]
    assert len(lines) == 2 and all(line.startswith("Pulumi.prod.yaml:") for line in lines)
    assert all(line.endswith("--stack prod") and MARK not in line for line in lines)
    assert any("bedplate:bmc.password: is plain text in Pulumi.prod.yaml; " in line for line in lines)


def test_every_command_reads_a_platform_with_encrypted_values(dev, tmp_path):
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(yaml.safe_dump({"config": stack_file(dev, SEALED, CLOUD_INIT)}))
    platform = stackfile.load(file, root=tmp_path, today=date(2026, 1, 1))
    assert len(set(standins.within(platform.model_dump()))) == 5
    written = stackfile.written_out(file, root=tmp_path, today=date(2026, 1, 1))
    assert "secure" not in json.dumps(written["vms"])


@pytest.mark.parametrize(
    ("patch", "secret", "says"),
    [
        (extension(encrypted("YQ==")), MARK, "is not NAME=VALUE"),
        (extension(encrypted("YQ==")), "  ", "is empty"),
        (extension(encrypted("YQ==")), f"A={MARK}\x1b[2J", "has a control character"),
        (document("WireguardConfig", name="wg0", privateKey=encrypted("YQ==")), MARK, "is not a WireGuard key"),
    ],
)
def test_a_secret_that_its_place_can_not_hold_is_refused_and_not_shown(dev, patch, secret, says):
    config = stack_file(dev, [patch])
    (line,) = refused(config, decrypted(config[KEY], [secret]))
    assert f"holds a secret that {says}; " in line and MARK not in line and "config set --path --secret" in line
    assert secret_forms.problem("", (), f"A={MARK}") is None


def test_a_file_that_is_not_what_the_engine_read_is_refused(dev):
    config = stack_file(dev, [extension(encrypted("YQ=="))])
    (line,) = refused(config, dev)
    assert "talos.patches.0.environment.0: is encrypted in the stack file, and the engine has no text for it" in line


# The table.


def test_the_table_has_every_kind_of_document():
    assert set(KINDS) <= secret_places.known_kinds()
    assert not secret_places.NONE & {kind for kind in KINDS if secret_places.places(kind)}


def test_places_are_found_by_pattern():
    assert secret_places.holds("ExtensionServiceConfig", ("environment", 3)) is Holds.TEXT
    assert secret_places.holds("ExtensionServiceConfig", ("environment", "3")) is None
    assert secret_places.holds("ExtensionServiceConfig", ("environment",)) is None
    assert secret_places.holds("", ("machine", "ca", "key")) is Holds.PKI
    assert secret_places.holds("KubeEtcdEncryptionConfig", ("config", "a", 0, "b")) is Holds.PKI
    assert secret_places.holds("NetworkRuleConfig", ("ingress", 0, "subnet")) is None


def test_names_and_looks():
    assert secret_looks.kind_of("") is None and secret_looks.kind_of("a" * 100_000) is None
    assert property_path(("a", 0, "b.c", 'd"', "e-f_g")) == '.a[0]["b.c"]["d\\""].e-f_g'


# Credentials.

BMC, MATCHBOX, REGISTRIES = "bedplate:bmc", "bedplate:matchbox", "bedplate:registries"
SECRET = encrypted("YQ==")


@pytest.mark.parametrize(
    ("config", "path", "says"),
    [
        (
            {BMC: {"username": "root", "password": MARK, "hosts": SECRET}},
            (BMC, "password"),
            "is plain text in Pulumi.prod.yaml",
        ),
        ({BMC: {"machines": {"cp-1": {"password": MARK}}}}, (BMC, "machines", "cp-1", "password"), "is plain text"),
        ({BMC: {"password": 12345}}, (BMC, "password"), "is plain text"),
        ({BMC: json.dumps({"password": MARK})}, (BMC, "password"), "is plain text"),
        ({MATCHBOX: {"ca": "x", "certificate": "x", "key": PEM.format("")}}, (MATCHBOX, "key"), "is plain text"),
        (
            {REGISTRIES: {"r.example.com": {"password": MARK}}},
            (REGISTRIES, "r.example.com", "password"),
            "is plain text",
        ),
        (
            {BMC: {"user": SECRET}},
            (BMC, "user"),
            "is not a part of a credential; it would silently not be used; did you mean username? ",
        ),
        ({BMC: {"machines": {"cp-1": {"pass": SECRET}}}}, (BMC, "machines", "cp-1", "pass"), "did you mean password? "),
        (
            {MATCHBOX: {"username": SECRET}},
            (MATCHBOX, "username"),
            "remove it; known parts: ca, certificate, key, hosts",
        ),
        ({REGISTRIES: {"r": {"token": SECRET}}}, (REGISTRIES, "r", "token"), "is not a part of a credential"),
        (
            {MATCHBOX: "ca.pem"},
            (MATCHBOX,),
            "is not a mapping; a credential consists of ca, certificate, key and hosts; ",
        ),
        ({MATCHBOX: ["ca.pem"]}, (MATCHBOX,), "is not a mapping"),
        (
            {REGISTRIES: {"r": MARK}},
            (REGISTRIES, "r"),
            "is not a mapping; a login consists of username, password and hosts",
        ),
        ({"bedplate:config:bmc": {"password": MARK}}, (BMC, "password"), "is plain text"),
    ],
)
def test_a_credential_in_plain_text_or_of_another_shape_is_refused(config, path, says):
    ((found, text),) = stored.faults(config, stack="prod")
    assert found == path and says in text and MARK not in text and "MIGH" not in text
    assert "remove it; known parts" in text or "./bedplate pulumi config set --secret --path 'bedplate:" in text


def test_credentials_that_are_encrypted_and_others_config_are_accepted():
    config = {
        BMC: {"username": "root", "password": SECRET, "hosts": [SECRET], "machines": {"cp-1": SECRET}},
        MATCHBOX: SECRET,
        REGISTRIES: {"r.example.com": {"username": "puller", "password": SECRET, "hosts": SECRET}},
        "other:bmc": {"password": "x"},
        KEY: {},
    }
    assert list(stored.faults(config)) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (MARK, "is not a mapping"),
        ("{bad" + MARK, "is not a mapping"),
        ({MARK: "x"}, "has a key that is none of username, password, hosts, machines"),
        ({"password": [MARK]}, "has a part without text"),
        ({"machines": {"cp-1": MARK}}, "has another shape than a credential"),
    ],
)
def test_a_credential_that_was_encrypted_in_another_shape_is_refused_without_a_word_of_it(value, says):
    ((path, text),) = stored.hidden_faults("bmc", value, "bedplate", "prod")
    assert path == (BMC,) and text.startswith(f"{says}; ") and MARK not in text
    assert "./bedplate pulumi config rm bedplate:bmc --stack prod; then set each part by its path" in text


@pytest.mark.parametrize(
    "edit",
    [
        {"talos.factory": f"https://user:{MARK}@factory.example.com"},
        {"registries.mirrors": {"docker.io": {"endpoints": [f"https://user:{MARK}@mirror.example.com"]}}},
        {"registries.mirrors": {f"user:{MARK}@docker.io": {"endpoints": ["https://mirror.example.com"]}}},
        {"registries.auth": [f"user:{MARK}@docker.io"]},
        {"cilium.repository": f"https://user:{MARK}@charts.example.com"},
        {"cilium.chart": f"oci://user:{MARK}@charts.example.com/cilium"},
        {"talos.logs": [f"tcp://user:{MARK}@logs.example.com:514"]},
        {"network.resolvers": [f"user:{MARK}@10.0.0.1"]},
        {"network.time": [f"user:{MARK}@ntp.example.com"]},
        {"boot.matchbox.endpoint": f"user:{MARK}@matchbox.example.com:8081"},
        {"vms.web.image": f"user:{MARK}@quay.io/a/b:1"},
        {"machines.cp-1.bmc": {"url": f"https://user:{MARK}@bmc.example.com", "system": "1"}},
        {"machines": {f"user:{MARK}@cp-1": {}}},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_a_password_in_an_address_is_refused_and_never_repeated(dev, edit):
    with pytest.raises(StackFileError) as raised:
        parse(changed(dev, edit))
    assert MARK not in raised.value.report
    for fault in raised.value.faults:
        assert MARK not in f"{fault} {fault.where} {Sentence.of(fault.text)} {Sentence.of(fault.text).what}"


def value_at(path, leaf):
    """A document with this leaf at a path of the table."""
    for part in reversed(path):
        leaf = [leaf] if part == "[]" else {"name" if part in ("*", "**") else part: leaf}
    return leaf


EVERY_PLACE = [
    (kind, place)
    for kind in sorted(("", *secret_places.known_kinds() - secret_places.NONE))
    for place in secret_places.places(kind)
]


@pytest.mark.parametrize(
    ("kind", "place"), EVERY_PLACE, ids=lambda part: ".".join(part.path) if hasattr(part, "path") else part
)
@pytest.mark.parametrize("owner", [("talos",), ("machines", "cp-1"), ("classes", "big")])
def test_every_place_takes_an_encrypted_value_and_no_plain_one(kind, place, owner):
    """For every kind of document: the stand-in is accepted, the secret arrives, and plain text is refused."""
    plain = PEM.format("")
    patches = {
        form: [{**value_at(place.path, leaf), **({"apiVersion": "v1alpha1", "kind": kind} if kind else {})}]
        for form, leaf in (("written", encrypted("YQ==")), ("handed", plain))
    }
    written, handed = ({owner[0]: value_at(owner[1:], {"patches": given})} for given in patches.values())
    closed = sealed.sealed(handed, {KEY: written}, KEY)
    (secret,) = closed.secrets.values()
    assert secret == plain and "PRIVATE" not in json.dumps(closed.platform)
    assert closed.platform == sealed.without_secrets(written, {KEY: written}).platform
    assert standins.opened(closed.platform, closed.secrets) == handed
    told, refused = (
        [*map(str, secrecy.misplaced(platform)), *map(str, secrecy.faults(platform))]
        for platform in (closed.platform, handed)
    )
    assert len(refused) == 1 and "MIGH" not in refused[0]
    if place.holds is Holds.PKI:
        assert "is a part of the cluster's PKI" in told[0] and told == refused
    else:
        assert told == [] and "config set --path --secret" in refused[0]
        assert sealed.made_up(written) != written and "secure" not in json.dumps(sealed.made_up(written))


@pytest.mark.parametrize(
    "text",
    [
        "a-a_a.",
        "password",
        "a://",
        "https://a",
        "--a-",
        "$6$aaaa",
        "aPassword",
        "p:",
        "p:x ",
        "chpasswd|",
        "_private",
        "::=",
    ],
)
def test_no_text_takes_long_to_judge(text):
    """A pull request can contain any text. Quadratic time would take minutes for one of this length."""
    begun = time.process_time()
    secret_looks.kind_of(text * 50_000 + " @$ chpasswd")
    assert time.process_time() - begun < 2
