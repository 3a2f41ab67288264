"""PURE: why a journal can't be changed unseen: hash chain, Merkle tree, signed checkpoints, and how they are checked."""
