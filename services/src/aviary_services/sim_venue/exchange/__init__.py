"""The venue itself: markets, prices, accounts, orders. Knows no wire protocol, does no I/O, reads no clock."""
