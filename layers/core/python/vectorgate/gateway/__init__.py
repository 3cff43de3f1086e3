"""The request pipeline: `pipeline.py` lists the steps of a call, and each step has its module beside it."""
