"""Talos machine configs as plain data: documents, links, the merge, differences."""
