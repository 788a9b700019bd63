"""CQL2 filters as SQL: CQL2-JSON in, a condition over pgstac's items with bound parameters out.

`compiler` walks the expression and knows logic and comparisons; `temporal`, `spatial`, `arrays` and
`numbers` know the operators of their kind; `terms` knows how a property or a literal is read as a value
of one kind; `nodes` checks the form of what a client wrote.

Where pgstac's `stac_search_to_where` is right, the meaning is the same. It differs on purpose: numbers
are never compared as text, whatever is registered; two properties compare by what they hold; a value
of another type than the comparison's is no value (SQL's NULL) and never an error; `a_equals` compares
sets; dates are spans.

Standard: OGC 21-065r2 (CQL2 1.0).
"""
