"""How much of neural activity behaviour explains: inputs, folds, prediction from a stored encoder."""
