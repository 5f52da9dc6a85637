"""Load balancers: the data plane of what the control plane keeps."""

from emulator.loadbalancing.service import LoadBalancers

__all__ = ["LoadBalancers"]
