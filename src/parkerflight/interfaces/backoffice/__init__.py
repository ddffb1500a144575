"""The team's page: what is broken, what waits for a person, what is stopped. Shows, never changes; knows no names."""
