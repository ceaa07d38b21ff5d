"""Names that everything about golden images agrees on."""

NAMESPACE = "golden-images"
"""The namespace of the images that disks of VMs are made from. Source: chosen by Bedplate."""

LABEL = "bedplate/image"
"""The label of everything that belongs to an image: its name. Source: chosen by Bedplate."""
