"""The keys of a cloud-config that cloud-init knows, and those that are misspelt: cloud-init ignores them silently."""

from difflib import get_close_matches

# Source: canonical/cloud-init, cloudinit/config/schemas/schema-cloud-config-v1.json and cloudinit/settings.py.
_LISTS = """
    bootcmd cloud_config_modules cloud_final_modules cloud_init_modules fs_setup mount_default_fields mounts packages
    runcmd ssh_authorized_keys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id ssh_key_console_blacklist
    write_files
"""
_MAPPINGS = """
    ansible apk_repos apt autoinstall ca_certs chef chpasswd device_aliases disk_setup drivers fan growpart keyboard
    landscape lxd mcollective output phone_home power_state puppet random_seed reporting resolv_conf rh_subscription rpi
    rsyslog salt_minion snap spacewalk ssh ssh_keys ssh_publish_hostkeys swap system_info ubuntu_pro updates vendor_data
    vendor_data2 yum_repos zypper
"""
_OTHERS = """
    allow_public_ssh_keys apt_pipelining apt_reboot_if_required apt_update apt_upgrade authkey_hash byobu_by_default
    ca-certs create_hostname_file datasource datasource_list disable_ec2_metadata disable_root disable_root_opts
    final_message fqdn groups grub-dpkg grub_dpkg hostname launch-index locale locale_configfile manage_etc_hosts
    manage_resolv_conf merge_how merge_type migrate no_ssh_fingerprints ntp package_reboot_if_required package_update
    package_upgrade password prefer_fqdn_over_hostname preserve_hostname resize_rootfs ssh_deletekeys ssh_pwauth
    ssh_quiet_keygen timezone ubuntu_advantage user users version warnings wireguard yum_repo_dir
"""
# Source: the schema named above.
LISTS = frozenset(_LISTS.split())
"""Keys whose values are lists."""
# Source: the schema named above.
MAPPINGS = frozenset(_MAPPINGS.split())
"""Keys whose values are mappings."""
# Source: the same at releases 0.7 to 23.1, whose images are still in use.
_OLD = """
    apt_mirror apt_preserve_sources_list apt_proxy apt_sources debug emit_upstart rightscale_userdata snappy
    system_upgrade ubuntu-advantage ubuntu_init_switch
"""
# Source: the schema named above.
KEYS = LISTS | MAPPINGS | frozenset((_OTHERS + _OLD).split())
"""Every key at the top of a cloud-config."""
# Source: cloud-init documentation, "Networking config" and "Instance metadata": files beside a cloud-config.
ELSEWHERE = {
    **dict.fromkeys(("network", "ethernets", "bonds", "vlans", "bridges"), "network-config"),
    **dict.fromkeys(("instance-id", "instance_id", "local-hostname", "local_hostname"), "meta-data"),
}
"""Keys of the other files that cloud-init reads, to the file."""

# Source: kubernetes/kubernetes, pkg/apis/core/types.go, MaxSecretSize: the cloud-config of a VM is in a Secret.
MOST_BYTES = 1 << 20
"""Bytes of the largest cloud-config."""


def misspelt(key: str) -> str | None:
    """The key that was surely meant; None for a key that cloud-init knows, and for one that resembles none."""
    if key in KEYS:
        return None
    plain = {_plain(known): known for known in sorted(KEYS)}
    if _plain(key) in plain:
        return plain[_plain(key)]
    near = get_close_matches(_plain(key), list(plain), n=1, cutoff=0.85) if len(key) <= 40 else []
    return plain[near[0]] if near else None


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")
