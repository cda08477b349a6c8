"""Evidence of all plots at once: what the towns' parts, put together, are held against."""

from pipeline import evidence


def gather(parcels, *, zones, previous, county, export, codes):
    """Gather all plots' pieces, supplements and all, as one part."""
    pieces = evidence.gather_part(
        parcels, zones=zones, previous=previous, county=county, export=export, codes=codes
    )
    least = county.thresholds.mask_share
    made_good = evidence.make_good(pieces, zones, export=export, least=least)
    return pieces.assign(**made_good)[list(evidence.COLUMNS)]
