"""What a campaign wants and which offer satisfies it: plain Python, no database, no clock, no network."""
