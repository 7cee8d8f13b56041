"""Pure maths on arrays: no files, no progress bars, no configuration from above."""
