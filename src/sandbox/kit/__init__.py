"""What both sandboxes share: clock, faults, ids, webhook sender and the control routes under /_sandbox."""
