"""CarbonTracker, isolated: its sampling, without its averaging, false zeros, exits and network calls.

CarbonTracker 2.4 averages the devices of a component, turns a denied or failing sensor into 0 kWh, ends the
process on an error, prints, draws from `random` and looks its own address up on the network, and none of
that can be configured. So a `Sensor` stands between it and each of its handlers, where readings are summed,
stamped and guarded, and while it is built a few of its module globals are swapped. Each private name used
here has a contract test.
"""
