"""Passes of a hidden Markov model: products of features, forward and backward, the best path."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["best_path", "fill_products", "forward_backward", "take_peaks"]

TINY = 1e-290
"""Smaller probabilities are zero: below 2e-308 each product with one takes a hundred times longer."""
LOG_TINY = -667.0
"""Logarithm of a slightly larger number."""


@kernel
def fill_products(x, rows, full, out):
    """Write 1, x, x_i x_j for i <= j (or x_i^2) of the rows `rows` of `x` into the columns of `out`."""
    n, n_features = len(rows), x.shape[1]
    for r in range(n):
        t = rows[r]
        out[0, r] = 1.0
        for i in range(n_features):
            out[1 + i, r] = x[t, i]
    place = 1 + n_features
    for i in range(n_features):
        for j in range(i, n_features if full else i + 1):
            for r in range(n):
                out[place, r] = out[1 + i, r] * out[1 + j, r]
            place += 1


@kernel
def take_peaks(log_density, rows, peak):
    """Subtract the maximum of each row of `log_density`, and write it to the row's place in `peak`.

    States that are then less likely than any number worth a product get minus infinity.
    """
    n_states = log_density.shape[1]
    for r in range(len(rows)):
        highest = log_density[r, 0]
        for k in range(1, n_states):
            highest = max(highest, log_density[r, k])
        peak[rows[r]] = highest
        for k in range(n_states):
            below = log_density[r, k] - highest
            log_density[r, k] = -np.inf if below < LOG_TINY else below


@kernel
def forward_backward(likelihood, is_start, start, transitions, posterior, scale, pairs, starts):
    """Scaled forward and backward pass over all segments.

    `posterior` gets the probability of each state given all frames of its segment, `scale` the factor of
    each frame given the past, `pairs` the expected moves divided by the transition probabilities, `starts`
    the expected number of segments that start in each state.
    """
    n, n_states = likelihood.shape
    backwards = np.ascontiguousarray(transitions.T)
    for t in range(n):
        total = 0.0
        if is_start[t]:
            for j in range(n_states):
                value = start[j] * likelihood[t, j]
                posterior[t, j] = value
                total += value
        else:
            for j in range(n_states):
                posterior[t, j] = 0.0
            for i in range(n_states):
                before = posterior[t - 1, i]
                for j in range(n_states):
                    posterior[t, j] += before * transitions[i, j]
            for j in range(n_states):
                posterior[t, j] *= likelihood[t, j]
                total += posterior[t, j]
        total = max(total, 1e-300)
        scale[t] = total
        inverse = 1.0 / total
        for j in range(n_states):
            value = posterior[t, j] * inverse
            posterior[t, j] = 0.0 if value < TINY else value
    later = np.ones(n_states)
    weight = np.empty(n_states)
    pairs[:] = 0.0
    starts[:] = 0.0
    for t in range(n - 1, -1, -1):
        if t == n - 1 or is_start[t + 1]:
            later[:] = 1.0
        if is_start[t]:
            for k in range(n_states):
                value = posterior[t, k] * later[k]
                posterior[t, k] = 0.0 if value < TINY else value
                starts[k] += posterior[t, k]
            continue
        inverse = 1.0 / scale[t]
        for j in range(n_states):
            weight[j] = likelihood[t, j] * later[j] * inverse
            value = posterior[t, j] * later[j]
            posterior[t, j] = 0.0 if value < TINY else value
        later[:] = 0.0
        for j in range(n_states):
            for i in range(n_states):
                later[i] += backwards[j, i] * weight[j]
        for i in range(n_states):
            before = posterior[t - 1, i]
            for j in range(n_states):
                pairs[i, j] += before * weight[j]


@kernel
def best_path(log_density, is_start, log_start, log_transitions, path):
    """Write the most probable sequence of states of each segment; ties go to the lower state."""
    n, n_states = log_density.shape
    back = np.zeros((n, n_states), np.int16)
    score = np.empty(n_states)
    fresh = np.empty(n_states)
    for t in range(n):
        if is_start[t]:
            if t > 0:
                path[t - 1] = np.argmax(score)
            for j in range(n_states):
                score[j] = log_start[j] + log_density[t, j]
            continue
        for j in range(n_states):
            best = score[0] + log_transitions[0, j]
            source = 0
            for i in range(1, n_states):
                value = score[i] + log_transitions[i, j]
                if value > best:
                    best = value
                    source = i
            back[t, j] = source
            fresh[j] = best + log_density[t, j]
        for j in range(n_states):
            score[j] = fresh[j]
    if n > 0:
        path[n - 1] = np.argmax(score)
    for t in range(n - 1, 0, -1):
        if not is_start[t]:
            path[t - 1] = back[t, path[t]]
