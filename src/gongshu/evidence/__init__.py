"""The ledger: events and calls as leaves of Merkle trees, sealed in batches, provable without the platform."""
