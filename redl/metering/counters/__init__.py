"""The energy counters of NVML and powercap, read at both edges of each window.

They are the second meter, independent of CarbonTracker and of any sampling.
"""

from redl.metering.counters.meter import CounterMeter

__all__ = ["CounterMeter"]
