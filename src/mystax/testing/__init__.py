"""Checks that every analysis passes, shipped so that authors of plug-ins can run them."""
