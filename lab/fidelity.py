"""What was real in a rehearsal, what was replaced, and what container mode cannot do: data and its table."""

from collections.abc import Iterable, Sequence

from .overlay import Change

REAL = (
    ("The program", "the stack's own __main__.py, components, providers and policy pack"),
    ("Engine and plugins", "pulumi and every plugin, with a state and a passphrase of the rehearsal's own"),
    (
        "Talos",
        "machined, apid, trustd, the maintenance API, mTLS, config documents, etcd bootstrap and joining, "
        "the virtual IP",
    ),
    ("Kubernetes", "etcd, API server, controller manager, scheduler, kubelet, CoreDNS"),
    ("Containers", "containerd and runc, images pulled from a registry through the platform's mirror config"),
    (
        "Virtual machines",
        "KubeVirt with all of its programs, libvirt and QEMU of Debian, without KVM: processors are emulated. "
        "--without-vms leaves them out",
    ),
    (
        "Network between pods",
        "Cilium where its parts are built and this computer can lend BPF to its nodes: agents, operator, chart, "
        "network policies, services, node ports and load balancers' addresses. --without-cilium uses the stand-in",
    ),
    ("Network", "one bridge with the platform's addresses, gateway and MACs; pods and services across nodes"),
)

STANDS_IN = (
    (
        "Shared storage",
        "a CSI driver of our own over files in a folder that every node has, with loop devices for block volumes. "
        "Sidecars, snapshot controller and the kubelet's part are real",
    ),
    (
        "Cilium, elsewhere",
        "the run says why; a chart of our own: bridge and host-local plugins, routes, kube-proxy. No encryption, "
        "no policy, no load balancer",
    ),
    (
        "The approver of kubelets' certificates",
        "a program of our own that approves the same certificate requests by the same API calls, with the same rights",
    ),
    (
        "Guests",
        "a small Linux under the name of each VM's image, with 1 CPU and 256 MiB. It boots from its own disk, reads "
        "its cloud-init without running it, and answers on the usual ports",
    ),
    (
        "KubeVirt's images",
        "KubeVirt's programs on Debian 13 instead of CentOS: libvirt's one daemon, and no /dev/kvm",
    ),
    ("Workloads", "a small HTTP server under the workload's own image name, on its own port"),
    (
        "Images",
        "made here from the same binaries; not the published bytes, so digests and signatures are not rehearsed",
    ),
    ("First boot", "a node starts in maintenance mode at its address; no PXE, no DHCP, no boot menu"),
    (
        "Snapshots' storage",
        "a folder of the node behind the claim; no NFS server. The job, its image's program and its way into Talos "
        "are real",
    ),
    ("Talos release", "the newest that can be built here; the stack's own may be newer"),
)

# Each in the words of the kernel or of Cilium 1.20.2 on a computer without CAP_SYS_RESOURCE and with Linux 6.18.
CILIUM = (
    (
        "Encryption",
        "none where the kernel has no WireGuard: `Error: Unknown device type.`; the chart gets the stack's value",
    ),
    ("Hubble", "off: the images of its relay and of its certificates aren't made"),
    ("Rules for HTTP and other protocols", "none: Envoy is no Go program, so l7Proxy and envoy.enabled are false"),
    (
        "Capabilities",
        "no SYS_RESOURCE (runc: `can't apply capabilities: operation not permitted`), which a node lacks; BPF and "
        "PERFMON beside SYS_ADMIN, which includes both on a machine (`failed to set memlock rlimit: operation not "
        "permitted`: BPF_TOKEN_CREATE wants CAP_BPF itself)",
    ),
    (
        "The agent's main",
        "one line of its own: `Require support for the eBPF JIT`, because the kernel shows a program's instructions to "
        "no process of a user namespace",
    ),
    (
        "The watchdog of BPF programs",
        "off: `BPF_PROG_QUERY not supported (requires >= v4.15)`, which the kernel answers without CAP_NET_ADMIN over "
        "the computer",
    ),
    (
        "Version 2 of cgroups",
        "at /run/cilium/cgroupv2, because /sys/fs/cgroup is version 1; programs on sockets are attached to the "
        "node's own",
    ),
    (
        "Kernel keyrings",
        "kernel.keys.maxkeys and maxbytes of the computer are higher while labs run, because the nodes share one user: "
        "`unable to create session key: disk quota exceeded`",
    ),
    (
        "Instances of inotify",
        "fs.inotify.max_user_instances of the computer is 8192 while labs run, because the nodes share one user: "
        "`inotify_init: too many open files`",
    ),
    (
        "Events of BPF programs",
        "kernel.perf_event_paranoid of the computer is 0 while labs with Cilium run: `failed to create perf ring for "
        "CPU 0: can't create perf event: permission denied`",
    ),
    (
        "Settings of the kernel",
        "the agent logs `Failed to write sysctl setting` for kernel.unprivileged_bpf_disabled and "
        "kernel.timer_migration",
    ),
)

NOT_IN_CONTAINER_MODE = (
    (
        "Disks and volumes",
        "install, disk selectors, partitions, encryption and VolumeConfig are accepted and have no effect",
    ),
    ("Upgrade and rollback", "refused by Talos: not supported in container mode"),
    ("Reset", "stops the node and wipes nothing; the lab leaves it off and empties its volumes instead"),
    (
        "Reboot and shutdown",
        "refused as an API call; a config that needs a reboot ends the container, and the lab starts it again",
    ),
    ("Firmware", "SecureBoot, TPM, measured boot, kernel arguments, kernel modules, hardware watchdogs"),
    ("Kernel settings", "sysctls of the whole computer are read-only; Talos logs that it could not set them"),
    ("Clock", "no time synchronisation"),
    ("Kernel log", "talosctl dmesg does not answer in a user namespace"),
)


def table(title: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table of two columns under a heading."""
    return [f"### {title}", "", "| what | how |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""]


def report(changes: Iterable[Change] = ()) -> str:
    """The whole table in Markdown, with what this run changed in its stack."""
    lines = table("Real", REAL) + table("Stood in", STANDS_IN)
    lines += table("Otherwise than on machines, with real Cilium", CILIUM)
    lines += table("Not in container mode", NOT_IN_CONTAINER_MODE)
    rows = [(change.where, f"{change.was or 'not set'} -> {change.now}: {change.why}") for change in changes]
    if rows:
        lines += table("Changed in the stack for this run", rows)
    return "\n".join(lines)
