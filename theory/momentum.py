r"""Exponential averages of masked gradients on the isotropic quadratic: the exact recursion of second moments.

F = (L / 2) |w|^2, g_t = L w_t + xi_t with E xi_t = 0, E |xi_t|^2 = sigma^2, independent of the past; M uniform
Horvitz-Thompson masks with E M_j = 1, E M_j^2 = 1 + omega = n / k. With 0 <= beta < 1,

    before:  v_{t+1} = beta v_t + (1 - beta) M_t * g_t,  w_{t+1} = w_t - eta v_{t+1};
    after:   v_{t+1} = beta v_t + (1 - beta) g_t,        w_{t+1} = w_t - eta M_t * v_{t+1}.

W = E |w|^2, X = E <w, v>, V = E |v|^2 obey a linear recursion. In both cases E |u|^2 = f_in (L^2 W + sigma^2) for what
enters the average and E |z|^2 = f_out V' for what the step takes, with (f_in, f_out) = (1 + omega, 1) before,
(1, 1 + omega) after, (1, 1) without a mask. As E[u | w, v] = L w and E[z | w, v'] = v',

    V' = beta^2 V + 2 beta (1 - beta) L X + (1 - beta)^2 f_in (L^2 W + sigma^2),
    Y  = E <w, v'> = beta X + (1 - beta) L W,
    W' = W - 2 eta Y + eta^2 f_out V',      X' = Y - eta V'.

Proof: expand the squares; <w', v'> = <w, v'> - eta <z, v'> has mean Y - eta V'. QED.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

Number = TypeVar("Number", float, Fraction)


@dataclass(frozen=True, kw_only=True)
class Averaged(Generic[Number]):
    """Constants of the recursion. mean_factor: f_in. step_factor: f_out. All Fractions, or all floats.

    Raises ValueError unless 0 <= beta < 1, L and stepsize are positive and both factors are at least 1.

    >>> before(L=1.0, stepsize=0.5, beta=0.0, factor=2.0, sigma2=1.0).settled()
    1.0
    """

    L: Number
    stepsize: Number
    beta: Number
    mean_factor: Number
    step_factor: Number
    sigma2: Number

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(f"beta must be in [0, 1), found {self.beta}")
        if not (self.L > 0 and self.stepsize > 0 and self.sigma2 >= 0):
            raise ValueError(f"L and the stepsize must be positive and sigma^2 not negative, found {self}")
        if min(self.mean_factor, self.step_factor) < 1:
            raise ValueError(f"second-moment factors are at least 1, found {self.mean_factor}, {self.step_factor}")

    def after_step(self, moments: tuple[Number, Number, Number]) -> tuple[Number, Number, Number]:
        """(W', X', V') from (W, X, V)."""
        W, X, V = moments
        beta, fresh, eta = self.beta, 1 - self.beta, self.stepsize
        entering = self.mean_factor * (self.L * self.L * W + self.sigma2)
        V = beta * beta * V + 2 * beta * fresh * self.L * X + fresh * fresh * entering
        Y = beta * X + fresh * self.L * W
        return W - 2 * eta * Y + eta * eta * self.step_factor * V, Y - eta * V, V

    def settled(self) -> Number:
        r"""Stationary E |grad F(w)|^2 = L^2 W, the fixed point of the recursion.

        W' = W gives Y = eta f_out V / 2, then X' = X gives X = eta V (f_out / 2 - 1), and the definition of Y gives
        L W = eta V m with m = f_out / 2 + beta / (1 - beta). The equation for V becomes

            V [(1 + beta) + beta L eta (2 - f_out) - (1 - beta) f_in L eta m] = (1 - beta) f_in sigma^2.

        Raises ValueError where the bracket is not positive: no state with finite second moments is stationary then.
        That the recursion settles there needs more (`theory.claims.mask_after_momentum` checks it where it is used).
        For eta -> 0, L^2 W / (L eta sigma^2) tends to f_in [(1 - beta) f_out + 2 beta] / (2 (1 + beta)): f_in / 2
        without a mask in the step, (1 + omega (1 - beta) / (1 + beta)) / 2 with it.
        """
        x, fresh = self.L * self.stepsize, 1 - self.beta
        m = self.step_factor / 2 + self.beta / fresh
        bracket = (1 + self.beta) + self.beta * x * (2 - self.step_factor) - fresh * self.mean_factor * x * m
        if not bracket > 0:
            raise ValueError(f"the stepsize must leave a stationary state, found none for {self}")
        return x * m * fresh * self.mean_factor * self.sigma2 / bracket


def before(*, L: Number, stepsize: Number, beta: Number, factor: Number, sigma2: Number) -> Averaged[Number]:
    """The mask on the gradient that enters the average; factor: 1 + omega."""
    one = type(L)(1)
    return Averaged(L=L, stepsize=stepsize, beta=beta, mean_factor=factor, step_factor=one, sigma2=sigma2)


def after(*, L: Number, stepsize: Number, beta: Number, factor: Number, sigma2: Number) -> Averaged[Number]:
    """The mask on the average that the step takes; factor: 1 + omega."""
    one = type(L)(1)
    return Averaged(L=L, stepsize=stepsize, beta=beta, mean_factor=one, step_factor=factor, sigma2=sigma2)


def small_step_ratio(*, beta: Number, factor: Number) -> Number:
    """1 + omega (1 - beta) / (1 + beta): the limit, for small steps, of what the mask after the average costs.

    That is, of the stationary E |grad F|^2 with that mask over the one without a mask.
    The mask before the average has 1 + omega there, whatever beta.

    >>> small_step_ratio(beta=Fraction(9, 10), factor=Fraction(4))
    Fraction(22, 19)
    """
    return 1 + (factor - 1) * (1 - beta) / (1 + beta)
