"""Evidence of all plots at once: what the towns' parts, put together, are held against."""

import numpy as np

from pipeline import evidence, storage


def gather(parcels, *, zones, previous, county, export, codes):
    """Gather all plots' pieces, supplements and all, as one part."""
    pieces = evidence.gather_part(
        parcels, zones=zones, previous=previous, county=county, export=export, codes=codes
    )
    asked = {"export": export, "least": county.thresholds.mask_share}
    made_good = evidence.make_good(pieces, zones, **asked)
    near = in_reach(pieces, zones)
    alone = evidence.make_good(pieces[near].reset_index(drop=True), zones, **asked)
    for name, values in made_good.items():
        assert not values[~near].any()
        np.testing.assert_array_equal(values[near], alone[name])
    return pieces.assign(**made_good)[list(evidence.COLUMNS)]


def in_reach(pieces, zones):
    """Return which pieces the supplements are judged by, as the joining step chooses them."""
    named = pieces["bsm"].isin(evidence.reach(zones).bsm).to_numpy()
    boxes = evidence.reach(zones, pieces[named]).boxes
    return named | storage.Places(boxes).near(pieces.bounds.to_numpy())
