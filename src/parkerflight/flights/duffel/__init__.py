"""Duffel API v2: everything that knows its wire format. Deleting Duffel is deleting this folder and one import."""
