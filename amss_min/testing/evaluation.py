"""All the evidence of all gradients against unbiasedness, as one e-value; and where it is strongest.

Half of the capital is spread over every functional of every gradient, in both directions. The other half backs what
gradients share: the unit at the same place, the unit of the same rank, all, positive and negative entries; there the
log capitals of the gradients add up stake by stake, since they come from different draws. An average of e-processes is
an e-process, whatever their dependence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from amss_min.testing.betting import Array, log_mean
from amss_min.testing.ledger import Ledger, interval

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The functional with the most evidence of a bias.

    family: the gradient, or "all" where gradients share it. where: what it looks at, in words. example: the family that
    shows it best, and unit: its unit there; None for sums. place: its index among the functionals, or among the shared
    ones.
    """

    family: str
    where: str
    example: str
    unit: int | None
    place: int
    log_e: float

    def measured(self, ledgers: Mapping[str, Ledger], alpha: float) -> tuple[float, tuple[float, float]]:
        """The relative bias, estimated, and its interval at alpha, simultaneous over functionals and families."""
        if self.family == ALL:
            found = [(ledger, int(ledger.functionals.shared[self.place])) for ledger in ledgers.values()]
            parts = [(ledger, np.array([place])) for ledger, place in found if place >= 0]
            share = alpha / len(next(iter(ledgers.values())).functionals.shared)
        else:
            parts = [(ledgers[self.family], np.array([self.place]))]
            share = alpha / sum(len(ledger.totals) for ledger in ledgers.values())
        low, high = interval(parts, share)
        total = sum(float(ledger.totals[places][0]) for ledger, places in parts)
        return total / max(sum(ledger.n for ledger, _ in parts), 1), (float(low[0]), float(high[0]))

    def covers_zero(self, ledgers: Mapping[str, Ledger], alpha: float) -> bool:
        """Whether the interval holds 0."""
        _, (low, high) = self.measured(ledgers, alpha)
        return low <= 0 <= high


def evaluate(ledgers: Mapping[str, Ledger]) -> tuple[float, Finding]:
    """The log e-value against unbiasedness of all ledgers together, and the strongest functional."""
    sides = [{name: ledger.log_bets(upward=upward) for name, ledger in ledgers.items()} for upward in (True, False)]
    alone = [{name: log_mean(logs) for name, logs in side.items()} for side in sides]
    looking = {name: ledger.functionals.norms() > 0 for name, ledger in ledgers.items()}  # not at nothing
    heard = [(name, np.where(looking[name], logs, -np.inf)) for side in alone for name, logs in side.items()]
    best = max((float(logs.max()), name, int(logs.argmax())) for name, logs in heard)
    name, place = best[1:]
    functionals = ledgers[name].functionals
    where, unit = functionals.names[place], functionals.unit_of(place)
    finding = Finding(family=name, where=where, example=name, unit=unit, place=place, log_e=best[0])
    local = float(log_mean(np.concatenate([logs for side in alone for logs in side.values()])))
    if len(ledgers) == 1:
        return local, finding
    pooled = [log_mean(np.sum([_shared(ledgers[name], logs) for name, logs in side.items()], axis=0)) for side in sides]
    seen = np.any([ledger.functionals.shared >= 0 for ledger in ledgers.values()], axis=0)
    together = np.where(seen, np.maximum(*pooled), -np.inf)
    place = int(together.argmax())
    if together[place] > finding.log_e:
        log_e, where = float(together[place]), functionals.shared_names[place]
        index = {name: int(ledger.functionals.shared[place]) for name, ledger in ledgers.items()}
        shown = {name: max(side[name][at] for side in alone) for name, at in index.items() if at >= 0}
        name = max(shown, key=lambda name: float(shown[name]))
        unit = ledgers[name].functionals.unit_of(index[name])
        finding = Finding(family=ALL, where=where, example=name, unit=unit, place=place, log_e=log_e)
    return float(log_mean(np.array([local, float(log_mean(np.concatenate(pooled)))]))), finding


def _shared(ledger: Ledger, logs: Array) -> Array:
    places = ledger.functionals.shared
    return np.where(places >= 0, logs[:, places], 0.0)
