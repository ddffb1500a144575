"""The edges: pages, API, health. They read the clock and the request, call one operation, and show the result."""
