"""The PKI in the shape that the configuration generator takes."""

from pulumiverse_talos import machine
from pulumiverse_talos.machine.outputs import CertificateResult, MachineSecretsResult


def as_input(made: MachineSecretsResult) -> machine.MachineSecretsArgs:
    """What Secrets made, as getConfiguration wants it.

    Handed over as it is, the SDK sends its keys in snake_case and the generator finds nothing
    (pulumi-talos#103, #200, #251).
    """

    def pair(of: CertificateResult) -> machine.CertificateArgs:
        return machine.CertificateArgs(cert=of.cert, key=of.key)

    return machine.MachineSecretsArgs(
        certs=machine.CertificatesArgs(
            etcd=pair(made.certs.etcd),
            k8s=pair(made.certs.k8s),
            k8s_aggregator=pair(made.certs.k8s_aggregator),
            k8s_serviceaccount=machine.KeyArgs(key=made.certs.k8s_serviceaccount.key),
            os=pair(made.certs.os),
        ),
        cluster=machine.ClusterArgs(id=made.cluster.id, secret=made.cluster.secret),
        secrets=machine.KubernetesSecretsArgs(
            bootstrap_token=made.secrets.bootstrap_token,
            secretbox_encryption_secret=made.secrets.secretbox_encryption_secret,
            # An imported cluster may still hold one; leaving it out would lock it out of its own data.
            aescbc_encryption_secret=made.secrets.aescbc_encryption_secret or None,
        ),
        trustdinfo=machine.TrustdInfoArgs(token=made.trustdinfo.token),
    )
