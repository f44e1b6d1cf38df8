"""Named claims about masked gradients, and the machinery that decides on them: `python -m theory`."""
