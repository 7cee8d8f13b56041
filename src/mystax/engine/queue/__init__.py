"""The driver of queued jobs: processes here or on a cluster, retries, and what is left to do."""
