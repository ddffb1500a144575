"""The JSON API: what a signed-in person may read. Each endpoint calls one operation or query."""
