"""How far a measure is from a minimum: certificates, convex solvers and margins."""
