"""One module per group of claims: inputs, sides, check and goals of each."""
