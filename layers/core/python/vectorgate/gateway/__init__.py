"""The request pipeline: `pipeline.py` is one screen; each step of a call is a function of it and one module beside it."""
