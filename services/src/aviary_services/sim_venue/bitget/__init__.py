"""Bitget's wire protocol (API v2), REST and WebSocket, on top of the exchange."""
