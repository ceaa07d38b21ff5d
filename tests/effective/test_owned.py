"""A patch does not say again what another key of the stack file sets."""

from datetime import date

import pytest

from core.effective.faults import faults
from core.effective.owned import KEPT, owned
from core.facts.document_fields import shapes
from core.model.exceptions import ExemptionSpec
from tests.effective.platforms import DELETE, document, patched

# Patch, and the place and the beginning of what is said of it.
LEGACY = {
    "another installer": ({"machine": {"install": {"image": "x"}}}, "machine.install.image: sets what talos.version"),
    "a disk by its path": (
        {"machine": {"install": {"disk": "/dev/sda"}}},
        "machine.install.disk: sets what machines.*",
    ),
    "another selector": (
        {"machine": {"install": {"diskSelector": {"model": "X*"}}}},
        "machine.install.diskSelector: sets what machines.*.install.disk",
    ),
    "no selector": (
        {"machine": {"install": {"diskSelector": DELETE}}},
        "machine.install.diskSelector: deletes what machines.*.install.disk",
    ),
    "the same wipe": ({"machine": {"install": {"wipe": False}}}, "machine.install.wipe: says again what machines.*"),
    "a wipe": (
        {"machine": {"install": {"wipe": True}}},
        "machine.install.wipe: sets what machines.*.install.generation",
    ),
    "another server": (
        document("SideroLinkConfig", apiUrl="https://a"),
        "platform.talos.patches.0: sets what Bedplate",
    ),
    "everything of the installation": ({"machine": {"install": DELETE}}, "machine.install: deletes what talos.version"),
    "kernel arguments": (
        {"machine": {"install": {"extraKernelArgs": ["a=b"]}}},
        "machine.install.extraKernelArgs: sets what talos.schematic.kernel_args",
    ),
    "another role": ({"machine": {"type": "worker"}}, "machine.type: sets what machines.*.role"),
    "a folder for the kubelet": (
        {"machine": {"kubelet": {"extraMounts": [{"destination": "/opt/x", "source": "/opt/x", "type": "bind"}]}}},
        "machine.kubelet.extraMounts: sets what talos.kubelet_mounts",
    ),
    "another kubelet": ({"machine": {"kubelet": {"image": "x"}}}, "machine.kubelet.image: sets what talos.kubernetes"),
    "another API server": (
        {"cluster": {"apiServer": {"image": "x"}}},
        "cluster.apiServer.image: sets what talos.kubernetes",
    ),
    "the kubelet's whole section": (
        {"machine": {"kubelet": DELETE}},
        "machine.kubelet: deletes what talos.kubernetes",
    ),
    "more pods": ({"cluster": {"network": {"podSubnets": ["10.9.0.0/16"]}}}, "podSubnets: sets what network.pods"),
    "more services": (
        {"cluster": {"network": {"serviceSubnets": ["10.9.0.0/16"]}}},
        "serviceSubnets: sets what network.services",
    ),
    "both networks deleted": ({"cluster": {"network": DELETE}}, "cluster.network: deletes what network.pods"),
    "another endpoint": (
        {"cluster": {"controlPlane": {"endpoint": "https://10.0.0.1:6443"}}},
        "endpoint: sets what network.endpoint",
    ),
    "another name": ({"cluster": {"clusterName": "other"}}, "cluster.clusterName: sets what name"),
    "the same name": ({"cluster": {"clusterName": "prod"}}, "cluster.clusterName: says again what name"),
    "other node addresses": (
        {"machine": {"kubelet": {"nodeIP": {"validSubnets": ["0.0.0.0/0"]}}}},
        "machine.kubelet.nodeIP: sets what network.nodes",
    ),
    "more services, by a flag": (
        {"cluster": {"apiServer": {"extraArgs": {"service-cluster-ip-range": "10.9.0.0/16"}}}},
        "service-cluster-ip-range: sets what network.services",
    ),
    "another node address, by a flag": (
        {"machine": {"kubelet": {"extraArgs": {"node-ip": "10.20.0.99"}}}},
        "node-ip: sets what network.nodes",
    ),
    "another host name, by a flag": (
        {"machine": {"kubelet": {"extraArgs": {"hostname-override": "x"}}}},
        "hostname-override: sets what machines",
    ),
    "another port of the API server": (
        {"cluster": {"controlPlane": {"localAPIServerPort": 7443}}},
        "localAPIServerPort: sets what Bedplate itself sets",
    ),
    "another host name": (document("HostnameConfig", hostname="x"), "patches.0: sets what machines"),
    "another virtual address": (
        document("Layer2VIPConfig", name="10.20.0.99", link="lan0"),
        "patches.0: sets what network.endpoint",
    ),
    "no encryption": (
        document("VolumeConfig", name="STATE", encryption=DELETE),
        "patches.0.encryption: deletes what talos.disk_encryption",
    ),
    "encryption with another key": (
        document("VolumeConfig", name="EPHEMERAL", encryption={"keys": [{"slot": 1, "nodeID": {}}]}),
        "patches.0.encryption: sets what talos.disk_encryption",
    ),
    "an opening of one's own": (
        document("NetworkRuleConfig", name="mine", portSelector={"ports": [2379], "protocol": "tcp"}),
        "patches.0: sets what talos.firewall.allow",
    ),
    "the Talos API closed": (
        document("NetworkRuleConfig", name="apid", **DELETE),
        "patches.0: deletes what talos.firewall.allow",
    ),
    "a firewall that accepts": (
        document("NetworkDefaultActionConfig", ingress="accept"),
        # Talos takes accept for unset, so the merge leaves block.
        "patches.0: says again what talos.firewall sets",
    ),
    "another CNI": ({"cluster": {"network": {"cni": {"name": "flannel"}}}}, "cluster.network.cni: sets what cilium"),
    "no KubePrism": (
        {"machine": {"features": {"kubePrism": {"enabled": False}}}},
        "kubePrism: sets what Bedplate itself sets",
    ),
    "the kubelet's open port": (
        {"machine": {"kubelet": {"extraConfig": {"readOnlyPort": 10255}}}},
        "readOnlyPort: sets what Bedplate itself sets",
    ),
    "the same closed port": (
        {"machine": {"kubelet": {"extraConfig": {"readOnlyPort": 0}}}},
        "readOnlyPort: says again what Bedplate itself sets",
    ),
    "forwarding off": (
        {"machine": {"sysctls": {"net.ipv4.ip_forward": "0"}}},
        "machine.sysctls.net.ipv4.ip_forward: '0' breaks the pod network",
    ),
    "forwarding off, with slashes": (
        {"machine": {"sysctls": {"net/ipv4/ip_forward": "0"}}},
        "'0' breaks the pod network",
    ),
    "a weaker kernel": (
        {"machine": {"sysctls": {"kernel.kptr_restrict": "0"}}},
        "'0' weakens the kernel's hardening",
    ),
    "a small EPHEMERAL": (
        document("VolumeConfig", name="EPHEMERAL", provisioning={"maxSize": "1GiB"}),
        "patches.0.provisioning.maxSize: is less than 2 GiB",
    ),
    "an address taken away": (
        document("LinkConfig", name="lan0", **DELETE),
        "patches.0: changes or deletes what machines.*.address and machines.*.nics sets",
    ),
    "a mirror turned away": (
        document("RegistryMirrorConfig", name="docker.io", skipFallback=False),
        "patches.0: changes or deletes what registries.mirrors sets",
    ),
    "the kubelet's locked settings": (
        {"machine": {"kubelet": {"extraConfig": {"authentication": {"anonymous": {"enabled": True}}}}}},
        "extraConfig.authentication: is a setting of the kubelet that no config may set",
    ),
    "a search domain beside resolvers": (
        {"machine": {"network": {"disableSearchDomain": True}}},
        "disableSearchDomain: stands beside a ResolverConfig",
    ),
    "KubeSpan without discovery": (
        {"machine": {"network": {"kubespan": {"enabled": True}}}},
        "kubespan.enabled: turns KubeSpan on where discovery is off",
    ),
    "a denied flag": (
        {"cluster": {"apiServer": {"extraArgs": {"tls-min-version": "VersionTLS13"}}}},
        "patches.0: sets the flag tls-min-version of kube-apiserver, which Talos v1.14.2 sets itself",
    ),
    "a flag with underscores": (
        {"machine": {"kubelet": {"extraArgs": {"read_only_port": "10255"}}}},
        "read_only_port: is not how the flag is spelled",
    ),
    "a flag with dashes before it": (
        {"cluster": {"apiServer": {"extraArgs": {"--tls-min-version": "VersionTLS13"}}}},
        "--tls-min-version: is not how the flag is spelled",
    ),
    "the cluster's authority deleted": ({"cluster": {"ca": DELETE}}, "cluster.ca: deletes what Bedplate itself sets"),
    "another authority of Talos": ({"machine": {"ca": {"crt": "QQ=="}}}, "machine.ca: sets what Bedplate itself sets"),
    "no key to read Secrets with": (
        {"cluster": {"secretboxEncryptionSecret": DELETE}},
        "secretboxEncryptionSecret: deletes what Bedplate itself sets",
    ),
    "no key of service accounts": ({"cluster": {"serviceAccount": DELETE}}, "serviceAccount: deletes what Bedplate"),
    "etcd deleted": ({"cluster": {"etcd": DELETE}}, "cluster.etcd: deletes what Bedplate itself sets"),
    "a flag of etcd": (
        {"cluster": {"etcd": {"extraArgs": {"data-dir": "/tmp"}}}},
        "patches.0: sets the flag data-dir of etcd",
    ),
    "another DNS server of pods": (
        {"machine": {"kubelet": {"clusterDNS": ["10.96.0.99"]}}},
        "kubelet.clusterDNS: sets what network.services",
    ),
    "another DNS server, by a setting": (
        {"machine": {"kubelet": {"extraConfig": {"clusterDNS": ["10.96.0.99"]}}}},
        "extraConfig.clusterDNS: sets what network.services",
    ),
    "another DNS server, by a flag": (
        {"machine": {"kubelet": {"extraArgs": {"cluster-dns": "10.96.0.99"}}}},
        "cluster-dns: sets what network.services",
    ),
    "another domain of pods": (
        {"machine": {"kubelet": {"extraConfig": {"clusterDomain": "x.local"}}}},
        "clusterDomain: sets what Bedplate itself sets",
    ),
    "another domain, by a flag": (
        {"machine": {"kubelet": {"extraArgs": {"cluster-domain": "x.local"}}}},
        "cluster-domain: sets what Bedplate itself sets",
    ),
    "no signed serving certificates": (
        {"machine": {"kubelet": {"extraConfig": {"serverTLSBootstrap": False}}}},
        "serverTLSBootstrap: sets what talos.hardening.serving_certificates",
    ),
    "signed serving certificates again": (
        {"machine": {"kubelet": {"extraConfig": {"serverTLSBootstrap": True}}}},
        "serverTLSBootstrap: says again what talos.hardening",
    ),
    "serving certificates, by a flag": (
        {"machine": {"kubelet": {"extraArgs": {"rotate-server-certificates": "false"}}}},
        "rotate-server-certificates: sets what talos.hardening.serving_certificates",
    ),
    "no Node": (
        {"machine": {"kubelet": {"extraConfig": {"registerNode": False}}}},
        "registerNode: sets what Bedplate itself sets",
    ),
}
DOCUMENTS = {
    "another DNS server of pods": (
        document("KubeletConfig", clusterDNS=["10.96.0.99"]),
        "clusterDNS: sets what network.services",
    ),
    "another DNS server, by a setting": (
        document("KubeletConfig", config={"clusterDNS": ["10.96.0.99"]}),
        "config.clusterDNS: sets what network.services",
    ),
    "another domain of pods": (
        document("KubeletConfig", config={"clusterDomain": "x.local"}),
        "clusterDomain: sets what Bedplate itself",
    ),
    "no signed serving certificates": (
        document("KubeletConfig", config={"serverTLSBootstrap": False}),
        "serverTLSBootstrap: sets what talos.hardening.serving_certificates",
    ),
    "no Node, by a flag": (
        document("KubeletConfig", extraArgs={"register-node": "false"}),
        "register-node: sets what Bedplate itself sets",
    ),
    "another installer": (
        document("UnattendedInstallConfig", installer={"image": "x"}),
        "installer.image: sets what talos.version",
    ),
    "another kubelet": (document("KubeletConfig", image="x"), "image: sets what talos.kubernetes"),
    "more pods": (document("KubeNetworkConfig", podSubnets=["10.9.0.0/16"]), "podSubnets: sets what network.pods"),
    "the networks deleted": (document("KubeNetworkConfig", **DELETE), "patches.0: deletes what network.pods"),
    "flannel": (document("KubeFlannelCNIConfig", backendType="vxlan"), "patches.0: sets what cilium"),
    "kube-proxy": (document("KubeProxyConfig", enabled=True), "enabled: sets what cilium"),
    "forwarding off": (
        document("SysctlConfig", params={"net.ipv4.ip_forward": "0"}),
        "params.net.ipv4.ip_forward: '0' breaks the pod network",
    ),
    "the kubelet's open port": (
        document("KubeletConfig", config={"readOnlyPort": 1}),
        "readOnlyPort: sets what Bedplate",
    ),
    "a flag with underscores": (
        document("KubeAPIServerConfig", extraArgs={"service_cluster_ip_range": "10.9.0.0/16"}),
        "service_cluster_ip_range: is not how the flag is spelled",
    ),
    "no authority of the API server": (document("KubeAPIServerCAConfig", **DELETE), "deletes what Bedplate itself"),
    "no encryption of Secrets": (document("KubeEtcdEncryptionConfig", **DELETE), "deletes what Bedplate itself sets"),
    "an empty encryption of Secrets": (
        document("KubeEtcdEncryptionConfig", config={}),
        "sets what Bedplate itself sets",
    ),
    "no key of service accounts": (
        document("KubeServiceAccountConfig", issuer=DELETE),
        "issuer: deletes what Bedplate",
    ),
    "another cluster": (document("DiscoveryIdentityConfig", clusterID="x"), "sets what Bedplate itself sets"),
    "isolated workloads": (
        document("SecurityProfileConfig", workloadIsolation=True),
        "workloadIsolation: isolates workloads from Talos, and the platform has KubeVirt",
    ),
    "isolation by default": (document("SecurityProfileConfig", **DELETE), "patches.0: isolates workloads from Talos"),
    "another authentication file": (
        document("KubeAPIServerConfig", extraArgs={"authentication-config": "/x"}),
        "sets the flag authentication-config of kube-apiserver",
    ),
}
RIGHT = {
    "a control plane's flag for all": {"cluster": {"apiServer": {"extraArgs": {"v": "2"}}}},
    "an etcd flag for all": {"cluster": {"etcd": {"extraArgs": {"listen-metrics-urls": "http://10.20.0.1:2381"}}}},
    "a kubelet flag": {"machine": {"kubelet": {"extraArgs": {"v": "2"}}}},
    "a kubelet setting": {"machine": {"kubelet": {"extraConfig": {"maxPods": 200}}}},
    "a stricter kernel": {"machine": {"sysctls": {"kernel.kptr_restrict": "2", "vm.swappiness": "10"}}},
    "a large EPHEMERAL": document("VolumeConfig", name="EPHEMERAL", provisioning={"maxSize": "100GiB"}),
    "another route": document(
        "LinkConfig", name="lan0", routes=[{"destination": "10.9.0.0/16", "gateway": "10.20.0.2"}]
    ),
    "another link": document("LinkConfig", name="eno9", up=True),
    "another mirror": document(
        "RegistryMirrorConfig", name="ecr.example.com", endpoints=[{"url": "https://m.example.com"}]
    ),
    "another admission plugin": {
        "cluster": {"apiServer": {"extraArgs": {"enable-admission-plugins": "EventRateLimit"}}}
    },
    "a deleted list of udev rules": {"machine": {"udev": {"rules": DELETE}}},
    "what stands in no document of Bedplate": {"machine": {"logging": DELETE}},
    "a search domain": document("ResolverConfig", searchDomains={"disableDefault": True}),
}

WEAKER = {"machine": {"sysctls": {"user.max_user_namespaces": "100"}}}


def excepted(*machines: str) -> ExemptionSpec:
    return ExemptionSpec.model_construct(
        control="KSPP", machines=machines, reason="r", ticket="T-1", until=date(2999, 1, 1)
    )


def said(*patches, **more) -> list[str]:
    return [str(fault) for fault in faults(patched(*patches, **more))]


@pytest.mark.parametrize("case", LEGACY)
def test_a_patch_in_fields_is_refused_and_names_the_key(case):
    patch, text = LEGACY[case]
    found = said(patch)
    assert any(text in line for line in found), found
    assert all(line.startswith("platform.talos.patches.0") for line in found)


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_patch_by_documents_is_refused_and_names_the_key(case):
    patch, text = DOCUMENTS[case]
    found = said(patch, contract="v1.14")
    assert any(text in line for line in found), found


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_not_refused(case):
    assert said(RIGHT[case]) == []


def test_one_cause_is_one_line_however_many_machines_have_it():
    assert len(said({"machine": {"type": "worker"}})) == 1
    assert len(said(own={"wk-1": [{"machine": {"type": "worker"}}], "cp-1": [{"machine": {"type": "worker"}}]})) == 2


def test_what_only_control_planes_have_is_refused_in_a_workers_patch():
    patch = {"cluster": {"apiServer": {"extraArgs": {"v": "2"}}}}
    assert said(own={"cp-1": [patch]}) == []
    (line,) = said(own={"wk-1": [patch]})
    assert line.startswith("platform.machines.wk-1.patches.0.cluster.apiServer: is read on control planes alone")


def test_an_exception_to_kspp_lets_a_patch_weaken_the_kernel():
    platform = patched(WEAKER)
    assert len(faults(platform)) == 1
    assert faults(platform.model_copy(update={"exceptions": (excepted(),)})) == []


def test_an_exception_to_kspp_counts_for_the_machines_that_it_names():
    recorded = {"exceptions": (excepted("wk-1"),)}
    assert faults(patched(own={"wk-1": [WEAKER]}).model_copy(update=recorded)) == []
    (other,) = faults(patched(own={"wk-1": [WEAKER], "cp-1": [WEAKER]}).model_copy(update=recorded))
    assert other.path[:2] == ("machines", "cp-1")
    assert len(faults(patched(WEAKER).model_copy(update=recorded))) == 1


def test_dots_in_the_name_of_a_link_separate_nothing():
    """net/ipv4/conf/eth0.1/forwarding is of the VLAN link eth0.1, and no parameter that layers need."""
    assert said({"machine": {"sysctls": {"net/ipv4/conf/all.1/forwarding": "0"}}}) == []


def test_every_owned_field_is_one_of_talos():
    """A misspelt path would own nothing."""
    known = shapes((1, 14))
    for row in owned():
        shape = known[row.kind]
        for part in row.path:
            assert isinstance(shape, dict) and (part in shape or "*" in shape or shape == {}), row
            shape = shape.get(part, shape.get("*", {}))
            if shape == "any":
                break
    assert set(KEPT) <= set(known)


TOKENS = {
    "an issuer": ("v1.12", {"cluster": {"apiServer": {"extraArgs": {"service-account-issuer": "https://a"}}}}),
    "issuers": (
        "v1.13",
        {"cluster": {"apiServer": {"extraArgs": {"service-account-issuer": ["https://a", "https://b"]}}}},
    ),
    "no issuer": ("v1.12", {"cluster": {"apiServer": {"extraArgs": {"service-account-issuer": DELETE}}}}),
    "audiences": ("v1.12", {"cluster": {"apiServer": {"extraArgs": {"api-audiences": "https://a"}}}}),
    "an issuer of a document": ("v1.14", document("KubeServiceAccountConfig", issuer={"issuerURL": "https://a"})),
    "more issuers": ("v1.14", document("KubeServiceAccountConfig", accepted={"issuers": ["https://a"]})),
    "a flag of a document": (
        "v1.14",
        document("KubeAPIServerConfig", extraArgs={"service-account-issuer": "https://a"}),
    ),
}


@pytest.mark.parametrize("case", TOKENS)
def test_one_control_plane_alone_can_not_issue_or_accept_other_tokens(case):
    contract, patch = TOKENS[case]
    (line,) = [str(each) for each in faults(patched(own={"cp-2": [patch]}, contract=contract))]
    assert line.startswith("platform.machines.cp-2.patches.0.") and "sets on one control plane which tokens" in line
    assert faults(patched(patch, contract=contract)) == []
