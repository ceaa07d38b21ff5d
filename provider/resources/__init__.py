"""Every resource type of ours, by token."""

from .api_ready import ApiReady
from .power import Power

RESOURCES = {resource.token: resource for resource in (ApiReady(), Power())}
