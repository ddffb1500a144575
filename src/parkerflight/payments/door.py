"""Which gateway and which fee this installation uses: the lines to change."""

from functools import lru_cache

from parkerflight.payments.fees import SavingsFee
from parkerflight.payments.gateway import PaymentGateway
from parkerflight.settings.config import load

_installed: PaymentGateway | None = None


def gateway() -> PaymentGateway:
    """This process's payment gateway. Raises ConfigurationError when its key is missing."""
    return _installed or _configured()


def install(instead: PaymentGateway | None) -> None:
    """Use this gateway in this process; None goes back to the configured one. For the simulator."""
    global _installed  # noqa: PLW0603 - one gateway a process
    _installed = instead


@lru_cache(maxsize=1)
def _configured() -> PaymentGateway:
    from parkerflight.payments.stripe.adapter import StripeGateway

    config = load()
    return StripeGateway(key=config.secret("stripe_api_key"), base=config.stripe_base)


def savings_fee() -> SavingsFee:
    """This installation's fee on what people save; off unless configured."""
    config = load()
    return SavingsFee(config.savings_fee_share, config.savings_fee_minimum, config.savings_fee_maximum)
