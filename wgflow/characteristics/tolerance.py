"""The tolerance of characteristics, which problem files tell without loading what follows them."""

NODE_TOLERANCE = 1e-8  # by default: nodes are a quadrature, whose error falls fast with their number
