"""Sample probes, trials and fits."""

from redl.record.budget import Cap, Fit, Probe, Trial
from tests.helpers.samples import PHASE_CONDITIONS, energy

GB = 10**9


def probe(peak_bytes=10**9, *, static_bytes=0, process_bytes=None, batch_norm=False):
    return Probe(
        network="densenet121",
        batch_norm=batch_norm,
        device="cpu",
        steps=2,
        peak_bytes=peak_bytes,
        process_bytes=process_bytes,
        static_bytes=static_bytes,
        step_seconds=2.0,
        energy=energy(energy_wh=None).train,
        conditions=PHASE_CONDITIONS,
        reason=None,
    )


def fit(batch_size=8, refused=9, *, setting="baseline", found=None, **changes):
    """Return a fit whose search tried the largest batch and one more."""
    trials = [
        Trial(
            batch_size=size,
            fits=fits,
            probe=(found or probe()) if fits else None,
            over_bytes=None,
            reason=None,
        )
        for size, fits in ((batch_size, True), (refused, False))
        if size is not None
    ]
    fields = {
        "model": "densenet",
        "network": "densenet121",
        "setting": setting,
        "image_size": 256,
        "cap_bytes": 4 * GB,
        "held": Cap.GROWTH,
        "emulated_on": None,
        "smallest": 2,
        "batch_size": batch_size,
        "refused": refused,
        "trials": tuple(trials),
    }
    return Fit(**(fields | changes))
