"""PURE: why a journal can't be changed unseen: hash chain, Merkle tree, signed checkpoints, checking them."""
