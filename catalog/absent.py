"""The mark that pgstac writes into a stored item where it lacks a member of its collection's base item.

Catalogues that run pgstac leak it into their answers; loaded into ours as it came, it would act as that mark again.
"""

ABSENT = "𒍟※"
