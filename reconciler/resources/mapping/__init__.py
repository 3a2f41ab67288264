"""Mapping and MappingPolicy: conditions, actions and policies of routes."""
