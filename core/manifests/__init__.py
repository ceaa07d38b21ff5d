"""Kubernetes objects as plain data, one module per layer."""
