"""Promotion gates: evidence is measured, decided on and granted here (docs/design/promotion.md)."""
