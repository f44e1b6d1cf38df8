r"""The theory measured on a network: what masks do to its gradients at one checkpoint.

Notation: g the gradient of a minibatch, g_u its block for unit u, F the mean loss over all train rows, pi_u(g) the
inclusion probability of unit u, m_u its random multiplier, xi = g - grad F. Minibatches are drawn without replacement;
those that are measured are the complete ones of one random order. Everything is in eval mode, so that the loss is a
mean over rows and E g = grad F exactly.

The record of a checkpoint is plain JSON. An estimate is {"value": x, "standard_error": e}. Where "exact" says that all
minibatches of this size were visited (size 1, or all rows), e is 0. Elsewhere it is s / sqrt(T) for means and the
jackknife for the rest, both as of independent minibatches: those of one order spread less, so that e is too large
rather than too small. What cannot be told is null, with a "reason" beside it.

    lr, batch, rows, minibatches    as given, and how many minibatches T were measured
    exact                           whether these are all minibatches there are
    masks                           {"kind", "design", "importance", "weighting"}, as text
    keep                            modality -> {"mean", "least", "largest"} over minibatches
    tensors                         name -> the entry below, or {"reason"} where nothing can be told
    network                         the entry of all masked tensors together, without modality and n; omega is the
                                    largest over tensors

An entry (|.|^2 and norms over the units of the tensor; h = E[mu g], D = diag(E mu)):

    modality, n, units              n units in each draw, units = draws * n
    gradient_squared                |grad F|^2, exact
    noise_variance                  E|xi|^2
    noise_skewness                  {"signed", "absolute": estimates, "units", "noise_level"}: gamma_u = E[s^3] /
                                    E[s^2]^(3/2) with s = <xi_u, grad F_u> / |grad F_u|, averaged over the units that
                                    have noise along a gradient; noise_level: sqrt(6 / T), the standard deviation of
                                    gamma_u for many minibatches of Gaussian noise
    omega                           {"mean": estimate, "largest"}: sum |g_u|^2 (E[m_u^2 | g] - 1) / sum |g_u|^2, exact
                                    for each minibatch
    left_out                        {"norm", "share": estimates}: |(1 - pi) g| and its share of |g|
    multiplier                      what mu is here: "mean of the mask", or for an unbiased mask "inclusion of a unit",
                                    so that the four below are those of the 0/1 mask of the same design
    bias                            squared: estimate of |c|^2, c_u = Cov(mu_u(g), g_u), negative at times where c is
                                    small; sample_squared: |c|^2 in the sample, on average too large by sampling_part;
                                    limit: E|xi|^2 / 4, which |c|^2 of a 0/1 mask cannot exceed
    kept                            {"least": estimate of d_min = min_u E mu_u, "mean"}
    decomposition                   h = D grad F + c in the sample: the norms "gradient",
                                    "kept" (D grad F), "bias" (c), "mean_field" (h)
    descent                         estimate of <grad F, h> / |grad F|^2; below 0 the mean update climbs
    floor                           {"case", "formula", "bound", "mean_field"}: estimates of the |grad F|^2 that the
                                    theory predicts; see `floor`
    step                            {"rule", "value"}: the step that the theory allows where lr is that of the unmasked
                                    gradient; see `floor`

Source: claims amss-decomposition, self-importance-descent and covariance-universal-bound of `theory`.
"""

from simulations.multimodal.diagnosis.record import diagnose
from simulations.multimodal.diagnosis.table import over_training, table

__all__ = ["diagnose", "over_training", "table"]
