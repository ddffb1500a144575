"""Every wording of the mandate that anybody ever agreed to. Never change one: add a version and make it CURRENT.

Each covers what Stripe asks for when a customer is charged while absent: that we start payments, when, how the amount
is set, and how to stop it.
"""

CURRENT = "2026-11"
TEXTS: dict[str, str] = {
    "2026-11": (
        "I ask Parker Flight to watch fares for the trip I described and to buy it once, without asking me again, as soon "
        "as a fare fits. It may then charge my saved card (•••• {last4}) at a moment I cannot foresee, once, with the "
        "total of the fare it found and never more than {cap}. This limit includes: {includes}. The ticket is bought "
        "under the airline's conditions; refunds and changes follow them. This permission ends when the trip is bought, "
        "when I pause or cancel the campaign or remove the card, and on {until} at the latest."
    ),
}
