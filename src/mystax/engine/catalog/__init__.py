"""The catalogue: what is known of every recording, job and outcome, in one database."""
