/** Tells the three ways apart by which a Pi stops being what it is; in the description of each of the three calls. */
export const WAYS_OUT =
  '*Unbake* ends what a Pi is baked as and puts it back into the fridge; *release* does the same for a held Pi whose bake or unbake cannot end; *forget* takes a Pi of the fridge out of the inventory.';
