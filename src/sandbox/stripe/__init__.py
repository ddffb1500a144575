"""Stripe for card payments, as API version 2026-10-28.endive answers: holds, declines, refunds, disputes, webhooks."""

API_VERSION = "2026-10-28.endive"
