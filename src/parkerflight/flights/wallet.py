def reserve(*, attempt_id, amount, now):
    return True


def spend(*, attempt_id, amount, now):
    pass


def unreserve(*, attempt_id, now):
    pass


def refund(*, attempt_id, amount, now):
    pass
