"""A venue for paper bots, end-to-end tests and drills that speaks a real exchange's wire protocol.

`exchange/` is the venue itself and knows no protocol; `bitget/` puts Bitget's on top of it.
"""
