"""Energy counters: what NVML and powercap count by themselves, read at both edges of each window.

They are the second meter, independent of CarbonTracker and of any sampling.
"""

from redl.metering.counters.meter import CounterMeter

__all__ = ["CounterMeter"]
