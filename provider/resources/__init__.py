"""Every resource type of ours, by token."""

from .api_ready import ApiReady

RESOURCES = {resource.token: resource for resource in (ApiReady(),)}
