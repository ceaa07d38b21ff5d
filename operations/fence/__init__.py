"""`./bedplate fence`: a dead machine is switched off for certain, and its virtual machines start elsewhere."""
