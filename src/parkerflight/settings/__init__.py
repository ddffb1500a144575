"""Settings: one typed module (`config`) that reads the environment, and Django's view of it (`django`)."""
