"""The API package: what the parts of Aviary say to each other.

Models of every kind (``v1alpha1``), the names that tie objects together (``labels``), conditions, the subject digest,
and the two documents that pass between operator and bot (``botconfig``, ``botstate``). Everything may import this
package; it imports pydantic and nothing else of the repository.
"""
