"""Tests of the operator.

A package, unlike the tests of the other parts: pytest names a module outside a package after its folders, and a module
``operator`` would hide the standard library's.
"""
