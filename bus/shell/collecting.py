"""How often Python looks for memory that only a cycle keeps: seldom, for a message leaves none behind.

A batch makes tens of thousands of values that live until its outputs are acknowledged. Python by itself looks through
them every 700 values, in vain; and what was imported lives as long as the process.
"""

import gc

YOUNG_VALUES_MAX = 20_000  # made since the last look: about one batch with all that it sends
YOUNG_LOOKS = 20  # before the ones that lived through these are looked at as well, and then before all are


def collect_seldom() -> None:
    """Leave alone what there is now, and look seldom at what comes; for a process that is all ours."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_VALUES_MAX, YOUNG_LOOKS, YOUNG_LOOKS)
