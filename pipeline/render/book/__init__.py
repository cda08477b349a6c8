"""图册: the map book. `plan` decides what stands where; the other files draw its pages."""
