"""What every test runs under: one torch thread, and a Hypothesis profile.

dev (the default) is quick; ci (CI is set) draws more; deep belongs to the slow tier (`bootstrap.py test --all` sets
HYPOTHESIS_PROFILE=deep). HYPOTHESIS_PROFILE names a profile outright. No profile has a deadline, and none counts
slow generation as a failure: both would test the machine, not the code.
"""

import os

import torch
from hypothesis import HealthCheck, settings

SLOW_MACHINE = (HealthCheck.too_slow,)
EXAMPLES = {"dev": 20, "ci": 40, "deep": 250}

for name, examples in EXAMPLES.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        derandomize=False,
        print_blob=True,
        suppress_health_check=SLOW_MACHINE,
    )

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
torch.set_num_threads(1)
