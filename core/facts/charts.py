"""Helm charts: where one may come from, and the digests of those that this release knows."""

import re

from .addresses import HOST, PORT

# Source: cilium/charts (what https://helm.cilium.io serves), index.yaml and the files beside it.
CILIUM = {
    "1.18.10": "4d0754637fa6fd43878da4f611431fd796b9a9ced6152a34c30ca7b84451173d",
    "1.18.11": "85ea267d7fb4a7f95fe0775ebad3919658905fb78627541a55e96478c33a8473",
    "1.18.12": "5923f9d9fcb11bc4692ad52353cc791b935d96e09ba0c535c5a8b88ea8a37572",
    "1.19.0": "5b774f0e0b93ad7127166cdac1bac5b64b5b9ac660cba4ab0363b9ac7f55a37e",
    "1.19.1": "530edbe919e770d2e561c0d943b027f708dd6c7e041acb241a9209e46e07315b",
    "1.19.2": "b27b2074385a47846a01acc88a7fbaa2fa73f61715e07a374d3dbd10077fd0c7",
    "1.19.3": "c8e05df9eabf9019e62f5103e1f35814b4f1b43916f88519e5ae4e36c69aa42b",
    "1.19.4": "c6a788e6bd74598a235f7987930860f554c2dd8048154d1aba8a532bcde90cd6",
    "1.19.5": "56b60445a2c650b387ce2edb13cfd8d83219a9da693b0523915dba8be451a29e",
    "1.19.6": "21c43cf53841f9ab0375047d95aa4c64051ea52bbd2c679416e6408f5f1c9179",
    "1.20.0": "c5f013912360d1a334f44ef25f36da59ba3414cdb48f466ee12d0c4fdff27883",
}
"""Version of Cilium's chart to the SHA-256 of its packed file."""

# Source: POSIX.1-2017, section 3.282, the portable set of characters in names of files.
_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
# Source: Helm documentation, chart best practices, general conventions.
NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""The name of a chart in a repository."""
# Source: helm.sh/helm/v3 v3.18, pkg/action/install.go, LocateChart: what starts with a dot is looked up on the disk.
IN_CHECKOUT = rf"\./(\.toolchain/lab/{_PART}/chart|{_PART})(/{_PART})*"
"""A folder or a packed chart of the checkout, in no hidden folder but that of a rehearsal's chart.

Those hold states and credentials, and a chart can put any file of its folder into the cluster.
"""
# Source: OCI Distribution Specification v1.1, pulling manifests; Helm compares the digest: helm.sh/helm/v3 v3.18,
# pkg/registry/client.go, ValidateReference.
BY_DIGEST = rf"oci://{HOST}({PORT})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{{64}}"
"""A chart of a registry with its digest."""
# Source: chosen by Bedplate.
CACHE = ".toolchain/charts"
"""Folder of the checkout for charts that came from a repository, each under a name with its digest."""

# What `cached` makes.
_CACHED = rf"\./{re.escape(CACHE)}/{_PART}-[0-9a-f]{{64}}\.tgz"
_REVIEWED = re.compile(rf"{IN_CHECKOUT}|{BY_DIGEST}|{_CACHED}", re.ASCII)


def is_pinned(chart: str) -> bool:
    """Whether a chart is in the checkout or has its digest in its address: nobody else chooses its contents."""
    return _REVIEWED.fullmatch(chart) is not None


def cached(name: str, version: str, digest: str) -> str:
    """The path of a chart that came from a repository, from the checkout on."""
    return f"./{CACHE}/{name}-{version}-{digest}.tgz"
