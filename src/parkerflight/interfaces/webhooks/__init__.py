"""Where vendors tell us things. Verified, stored once, answered at once; the work is done elsewhere, later."""
