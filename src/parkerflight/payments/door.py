"""Which gateway this installation uses: the one line to change."""

from functools import lru_cache

from parkerflight.payments.gateway import PaymentGateway
from parkerflight.settings.config import load


@lru_cache(maxsize=1)
def gateway() -> PaymentGateway:
    """This process's payment gateway."""
    from parkerflight.payments.stripe.adapter import StripeGateway

    config = load()
    return StripeGateway(key=config.secret("stripe_api_key"), base=config.stripe_base)
