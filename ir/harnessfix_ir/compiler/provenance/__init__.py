"""Where a text came from: normalisation, winnowed fingerprints, alignment, and the relation that they show."""
