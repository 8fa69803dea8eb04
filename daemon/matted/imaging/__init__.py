"""Pictures in and out: decode, encode, depth, colour profile, orientation, metadata. Knows no model."""
