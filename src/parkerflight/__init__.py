"""Parker Flight: describe a trip once, it watches fares and buys the ticket the moment one fits."""
