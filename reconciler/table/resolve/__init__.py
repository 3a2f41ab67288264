"""What a document leaves to others: defaults of the Module, names, MappingPolicies, services."""
