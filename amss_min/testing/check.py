"""The check of an estimator: contract, exact path, burn-in, then rounds of draws until they are spent."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing import conclusion, contract, exact, reach
from amss_min.testing.betting import Array
from amss_min.testing.estimator import Estimator
from amss_min.testing.evaluation import Finding, evaluate
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import Functionals, exponent, rescaled
from amss_min.testing.ledger import WIDEST_MATRIX, Ledger, measured
from amss_min.testing.result import CheckResult, FamilyResult
from amss_min.testing.settings import DRAWS, DRAWS_BATCHED, Settings
from amss_min.testing.status import Status, weakest

_BURN_IN = 2000
_BLOCK, _BLOCK_BATCHED, _BLOCK_ENTRIES = 2000, 2**14, 2**20
_ROUND, _GROWTH = 500, 8  # a round adds an eighth: evidence is weighed some fifty times in all

Progress = Callable[[int, int], None]


def check(
    estimator: Estimator, gradients: Mapping[str, Tensor], settings: Settings, progress: Progress | None = None
) -> CheckResult:
    """Check one estimator on these gradients, each (K, d) float64 and not all zero.

    Raises EstimatorError where the estimator cannot be called as agreed, ValueError for gradients or declarations that
    make no sense.
    """
    return _Check(estimator, gradients, settings, progress).result()


class _Check:
    def __init__(
        self, estimator: Estimator, gradients: Mapping[str, Tensor], settings: Settings, progress: Progress | None
    ) -> None:
        for gradient in gradients.values():
            Functionals.of(gradient)
        if not gradients:
            raise ValueError("a check needs at least one gradient, found none")
        shapes = sorted({tuple(gradient.shape) for gradient in gradients.values()})
        if len(shapes) > 1:
            raise ValueError(f"all gradients of a check must have one shape, found {shapes[0]} and {shapes[1]}")
        self.estimator, self.gradients, self.settings = estimator, dict(gradients), settings
        self.progress = progress or (lambda done, total: None)
        self.spent, self.burn_in, self.drawing, self.per_draw = 0, 0, 0.0, 0.0
        self.scaled = {name: rescaled(gradient, -exponent(gradient)) for name, gradient in gradients.items()}
        self.generators: dict[str, torch.Generator] = {}
        self.violations: list[Mapping[str, str]] = []
        self.ledgers: dict[str, Ledger] = {}

    def result(self) -> CheckResult:
        for name, gradient in self.gradients.items():
            found = contract.violations(self.estimator, gradient, seed=self._seed("contract", name))
            self.violations += [{"family": name, **violation.as_json()} for violation in found]
        if self.violations:
            return self._finish(Status.REFUTED, Guarantee.EXACT, "the contract of an estimator is broken", [])
        laws = {name: exact.law(self.estimator, gradient) for name, gradient in self.gradients.items()}
        known = {name: law for name, law in laws.items() if law is not None}
        return self._exactly(known) if len(known) == len(laws) else self._statistically()

    # Exact path

    def _exactly(self, laws: Mapping[str, exact.Law]) -> CheckResult:
        results = []
        each = max(1, min(self.settings.draws or 2 * _BURN_IN * len(laws), DRAWS) // len(laws))
        for name, law in laws.items():
            draws = rescaled(self._draw(name, each), exponent(self.gradients[name]))
            against = law.contradiction(draws, self.settings.alpha / len(laws))
            if against:
                rule = f"draws must come from the declared {law.path}"
                reason = "the exact mean says nothing about draws from elsewhere"
                self.violations.append({"family": name, "rule": rule, "finding": against, "reason": reason})
            results.append(conclusion.exact_family(name, law, each))
            self.progress(self.spent, each * len(laws))
        violated = bool(self.violations)
        status = Status.REFUTED if violated else weakest(result.status for result in results)
        text = conclusion.text(status, results, self.settings, violated=violated)
        return self._finish(status, Guarantee.EXACT, text, results)

    # Statistical path

    def _statistically(self) -> CheckResult:
        total = self._burn_in()
        open_families = set(self.ledgers)
        log_e: float = 0.0
        finding: Finding | None = None
        needed, widened = math.log(1 / self._share), 0
        stop = total  # a bias that is found is drawn on, up to as often again, until its interval shows it too
        while self.spent < stop and not self.violations:
            for name in [name for name in self.ledgers if name in open_families] or list(self.ledgers):
                self._round(name, stop, total)
            evidence, finding = evaluate(self.ledgers)
            if widened != (widened := sum(ledger.reach.attempt for ledger in self.ledgers.values())):
                log_e, stop = 0.0, total  # what was said before rested on caps that did not hold
            log_e = max(log_e, evidence)
            if log_e >= needed:
                stop = min(stop, 2 * self.spent)
                if not finding.covers_zero(self.ledgers, self.settings.alpha):
                    break
            open_families = {name for name in open_families if not self._excluded(name)}
            if log_e < needed and not open_families and not self.settings.patient:
                break
        return self._concluded(log_e, finding)

    def _concluded(self, log_e: float, finding: Finding | None) -> CheckResult:
        alpha, count = self.settings.alpha, len(self.ledgers)
        for name, ledger in self.ledgers.items():
            omega = ledger.reach.omega
            if omega is not None and ledger.log_noise(omega) >= math.log(count / self._share):
                said = f"E|C - g|^2 is above {omega:.6g} |g|^2, at alpha = {alpha:g}"
                self._violated(name, "E|C - g|^2 must be at most the declared omega |g|^2", said, "omega is too small")
        refuted = log_e >= math.log(1 / self._share)
        results = conclusion.families(self.ledgers, finding if refuted else None, self.settings)
        status = conclusion.status(results, refuted=refuted, violated=bool(self.violations))
        measured = None if finding is None else finding.measured(self.ledgers, alpha)
        text = conclusion.text(status, results, self.settings, violated=bool(self.violations))
        return self._finish(status, results[0].guarantee, text, results, log_e=log_e, finding=finding, bias=measured)

    def _burn_in(self) -> int:
        """Fix every reach and every stake before the draws that count; the number of draws in all."""
        settings, families = self.settings, len(self.gradients)
        wanted = settings.draws or (DRAWS_BATCHED if self.estimator.batched else DRAWS)
        rounding = self._rounding()
        self.burn_in = settings.burn_in or self._burn_in_size(wanted)
        began = time.perf_counter()
        fixed = {name: self._burnt(name) for name in self.gradients}
        self.per_draw = self.drawing / self.spent
        total = wanted
        if settings.draws is None:
            affordable = settings.seconds / (time.perf_counter() - began) * self.spent
            total = min(wanted, max(int(affordable), 2 * self.spent))
        horizon = max(1, (total - self.spent) // families)
        for name, (reach_of, direction) in fixed.items():
            self.ledgers[name] = Ledger(
                self.scaled[name],
                reach_of,
                direction=direction,
                horizon=horizon,
                alpha=settings.alpha,
                rounding=rounding,
            )
        return total

    def _burnt(self, name: str) -> tuple[reach.Reach, float]:
        """The reach on one gradient, declared or from a burn-in, and the mean square in the widest direction."""
        functionals = Functionals.of(self.scaled[name])
        scaled, *values = measured(functionals, self._draw(name, self.burn_in))
        said = reach.declared(self.estimator, functionals, exponent(self.gradients[name]))
        if said is not None and said.exceeded(*values).any():
            self._beyond_bound(name, float(values[-1].max()))
        return said or reach.burned_in(functionals, *values), _widest(scaled)

    def _burn_in_size(self, draws: int) -> int:
        families = len(self.gradients)
        size = max(4, min(_BURN_IN, draws // (4 * families), 4 * self._block_size()))
        if self.settings.draws is not None:
            return size
        generator = torch.Generator().manual_seed(self._seed("pilot"))
        began = time.perf_counter()
        self.estimator.draws(next(iter(self.gradients.values())), 4, generator)
        affordable = self.settings.seconds / 10 / families / ((time.perf_counter() - began) / 4)
        return max(4, min(size, int(affordable)))

    def _round(self, name: str, stop: int, total: int) -> None:
        """An eighth more draws on one gradient, in blocks that fit into memory."""
        ledger = self.ledgers[name]
        left = min(max(_ROUND, ledger.n // _GROWTH), stop - self.spent)
        while left > 0 and not self.violations:
            size = min(left, self._block_size())
            draws = self._draw(name, size)
            if not ledger.add(draws) and ledger.reach.guarantee is not Guarantee.TRUNCATED:
                self._beyond_bound(name, float(measured(ledger.functionals, draws)[-1].max()))
            left -= size
            self.progress(self.spent, total)

    def _draw(self, name: str, count: int) -> Tensor:
        """Draws of C (count, K, d), scaled as the gradient in `self.scaled` is."""
        if name not in self.generators:
            self.generators[name] = torch.Generator().manual_seed(self._seed("draws", name))
        self.spent += count
        began = time.perf_counter()
        draws = self.estimator.draws(self.gradients[name], count, self.generators[name])
        self.drawing += time.perf_counter() - began
        if not bool(draws.isfinite().all()):
            self._violated(name, "every entry must be finite", "a draw with an infinite or undefined entry", "no mean")
            draws = draws.nan_to_num(0.0, 0.0, 0.0)
        return rescaled(draws, -exponent(self.gradients[name]))

    def _block_size(self) -> int:
        entries = next(iter(self.gradients.values())).numel()
        return max(1, min(_BLOCK_BATCHED if self.estimator.batched else _BLOCK, _BLOCK_ENTRIES // entries))

    def _rounding(self) -> float:
        gradient = next(iter(self.gradients.values()))
        dtype = self.estimator.precision(gradient, torch.Generator().manual_seed(self._seed("precision")))
        return max(reach.ROUNDING, torch.finfo(dtype).eps / 2) if dtype.is_floating_point else reach.ROUNDING

    def _seed(self, *parts: object) -> int:
        key = "/".join(map(str, (self.settings.seed, *parts)))
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big")

    @property
    def _share(self) -> float:
        """What a bias may spend of alpha: half where a declared omega is tested too."""
        tested = any(ledger.reach.omega is not None for ledger in self.ledgers.values())
        return self.settings.alpha / 2 if tested else self.settings.alpha

    def _excluded(self, name: str) -> bool:
        return self.ledgers[name].excludes(self.settings.detect, self.settings.alpha)

    def _beyond_bound(self, name: str, energy: float) -> None:
        finding = f"a draw beyond it; the largest in its block has norm {math.sqrt(energy):.6g} |g|"
        self._violated(name, "no draw may lie beyond the declared bound", finding, "the bound is wrong")

    def _violated(self, family: str, rule: str, finding: str, reason: str) -> None:
        self.violations.append({"family": family, "rule": rule, "finding": finding, "reason": reason})

    def _finish(
        self, status: Status, guarantee: Guarantee, text: str, results: list[FamilyResult], **more: Any
    ) -> CheckResult:
        return CheckResult(
            estimator=self.estimator.name,
            status=status,
            guarantee=guarantee,
            text=text,
            families=results,
            violations=self.violations,
            draws=self.spent,
            burn_in=self.burn_in,
            settings=self.settings,
            seconds_per_draw=self.per_draw,
            **more,
        )


def _widest(scaled: Array) -> float:
    """The mean square of deviations (B, p) in their widest direction, or in all of them where p is large."""
    if scaled.shape[1] > WIDEST_MATRIX:
        return float(np.square(scaled).sum(1).mean())
    rows = torch.from_numpy(scaled)
    return float(torch.linalg.eigvalsh(rows.T @ rows / len(rows))[-1])
