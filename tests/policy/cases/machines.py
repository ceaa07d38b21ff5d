"""Virtual machines that must not pass."""

from tests.policy.support import DROP, Case

AT = "spec.template.spec"
MOVES = f"{AT}.evictionStrategy is not one of LiveMigrate, LiveMigrateIfPossible, External"
DEVICES = f"{AT}.domain.devices"
SEED = f"{AT}.volumes[1].cloudInitNoCloud"
SIDECAR = "spec.template.metadata.annotations"
HOOK = "hooks.kubevirt.io/hookSidecars"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STRATEGIES = "spec.runStrategy is not one of Always, RerunOnFailure, Manual, Halted, Once"


def machine(rule: str, change: dict[str, object], says: str, *also: str, more: tuple[str, ...] = ()) -> Case:
    return Case(rule, "vm", change, says, also, more)


CASES = (
    machine("vm-says-what-a-drain-does", {f"{AT}.evictionStrategy": DROP}, f"{MOVES}, None", "vm-survives-node-drain"),
    machine("vm-survives-node-drain", {f"{AT}.evictionStrategy": "None"}, MOVES),
    machine(
        "vm-says-when-it-runs",
        {"spec.running": True, "spec.runStrategy": DROP},
        "spec.running is deprecated and excludes runStrategy",
        more=(STRATEGIES,),
    ),
    machine(
        "vm-says-when-it-runs",
        {"spec.runStrategy": UNKNOWN},
        "spec.runStrategy is not known in the plan, so it can't be judged",
    ),
    machine(
        "vm-chooses-its-network",
        {f"{DEVICES}.interfaces": []},
        f"{DEVICES}.interfaces is empty, so KubeVirt bridges the guest to the pod network",
    ),
    machine(
        "vm-chooses-its-network",
        {f"{DEVICES}.interfaces[0]": {"name": "default", "bridge": {}}},
        f"{DEVICES}.interfaces[0] is on the pod network without masquerade",
    ),
    machine(
        "vm-chooses-its-network",
        {f"{AT}.networks": []},
        f"{DEVICES}.interfaces[0] has no entry of its name in networks",
    ),
    machine(
        "vm-chooses-its-network",
        {f"{AT}.networks[0]": {"name": "default", "multus": {}}, f"{DEVICES}.interfaces[0]": {"name": "default"}},
        f"{DEVICES}.interfaces[0] names no binding",
    ),
    machine(
        "vm-names-its-memory",
        {f"{AT}.domain.memory": DROP},
        f"{AT}.domain.memory.guest is not set, nor an instancetype",
    ),
    machine(
        "vm-user-data-is-secret",
        {f"{SEED}.userData": "#cloud-config"},
        f"{SEED}.userData is inline, so anyone who can read the VirtualMachine can read it",
    ),
    machine(
        "vm-uses-no-node-disk",
        {f"{AT}.volumes[+]": {"name": "h", "hostDisk": {"path": "/x"}}},
        f"{AT}.volumes[2].hostDisk is a file of the node",
    ),
    machine("vm-has-no-sidecar", {SIDECAR: {HOOK: "[]"}}, f"{SIDECAR}.{HOOK} runs another program beside the guest"),
    machine(
        "vm-image-is-pinned",
        {f"{AT}.volumes[0].containerDisk.image": "fedora:latest"},
        f"{AT}.volumes[0].containerDisk.image has no tag, or the moving tag latest",
        "vm-image-has-digest",
    ),
    machine(
        "vm-image-has-digest",
        {f"{AT}.volumes[0].containerDisk.image": "fedora:42"},
        f"{AT}.volumes[0].containerDisk.image is not named by its digest",
    ),
    machine(
        "vm-keeps-its-disk",
        {f"{DEVICES}.disks[+]": {"name": "root"}},
        f"{AT}.volumes[0].containerDisk is copied afresh at every start, so all that the guest wrote is lost",
    ),
    machine(
        "vm-owns-its-devices",
        {f"{DEVICES}.hostDevices": [{"name": "gpu"}]},
        f"{DEVICES}.hostDevices ties the guest to a device of one node",
    ),
)
