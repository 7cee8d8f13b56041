"""What turns a recipe and a recording into outcomes: plan, shared pass, checkpoints, processes."""
