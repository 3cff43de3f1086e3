"""Find out the outcome of operations whose answer was lost, or whose gateway crashed: none of them stays open.

::

    state left by the gateway        first sweep                            second sweep
    started   (it crashed)  ----->   found: answered, with its owner
    uncertain (lost answer) ----->   not found: uncertain, looked for --->  found: answered
                                                                            not found: voided
                                     cannot be known: voided

The modules, each importing only those above it:

===============  =================================================================================================
``matching``     which listed object came from which create: tags, fingerprints, time windows, ambiguity (pure)
``probes``       operations whose effect shows on the object that they name: what to retrieve, what it proves (pure)
``uploads``      what an upload announced about the file that its parts become
``anchors``      a known older object, from which a list is read oldest first
``listing``      the provider's lists: read newest first within a time limit, then matched
``resolving``    what is written for one row: answered, looked for, or voided
``sweep``        `Reconciler`: every open row, provider by provider, each within its share of the time
``interrupted``  rows of a process that has ended, where a later one knows it
===============  =================================================================================================
"""

from vectorgate.ledger.reconciliation.sweep import Reconciler

__all__ = ["Reconciler"]
