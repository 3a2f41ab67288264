"""A GitOps reconciler for Envoy routing: Mapping files in Git, served by Envoy, audited by commit."""

__version__ = "0.1.0"
