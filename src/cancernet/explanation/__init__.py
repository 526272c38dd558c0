"""Why a patch was called what it was: where in it the evidence lies, and the training patches most like it."""
