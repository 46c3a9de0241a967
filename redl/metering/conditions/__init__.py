"""The conditions of a measurement: the processors' other load, temperatures, clocks and limits.

They are read at the edges of each window, outside of what the sensors and the clock count.
"""

from redl.metering.conditions.meter import ConditionsMeter

__all__ = ["ConditionsMeter"]
