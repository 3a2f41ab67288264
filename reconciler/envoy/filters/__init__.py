"""HTTP filters, each with what routes say to it."""
