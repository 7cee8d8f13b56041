"""Networks from labels: what is trained on what, how good the result is, and weights of other tools."""
