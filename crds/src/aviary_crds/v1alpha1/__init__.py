"""The kinds of ``aviary.trading/v1alpha1``."""
