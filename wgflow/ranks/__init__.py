"""Several processes that compute one run together: who they are, what they tell each other, how they end."""
