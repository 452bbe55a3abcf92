"""Strategies that settle a contest, one file per rung, each a pure function of the contest and now.

None is here yet: with ``window_ms`` 0 and ``on_held: deny`` no contest ever opens, and terms that
would open one are refused when they are set.
"""
