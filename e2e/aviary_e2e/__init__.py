"""The product seen from outside: the demo, the end-to-end scenarios' vocabulary and the benchmarks.

Everything here talks to a cluster the way a person does, through ``kubectl`` and ``helm``, so that each step that a
scenario takes can be repeated by hand. It may import the API package and the cluster providers, and nothing else.
"""
