"""Providers that a merchant has a contract with, one module each, all of one shape.

A module says how it is set up (``PROVIDER``) and what a merchant's contract makes of it (``carrier``). A new one copies its
sibling and adds a line to ``registry``. They send texts that the provider has approved: ``template`` finds the one of a message.
"""
