"""An offline server that speaks Duffel's flight API v2: searches, orders, payments, changes and webhooks in memory."""
