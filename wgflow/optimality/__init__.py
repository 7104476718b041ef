"""How far a measure is from optimal: certificates, and convex reference solutions."""
