"""What an encoding would be fitted on, in words, before anything is fitted."""

from mystax.engine.encoding.prepared import Prepared

__all__ = ["plan_lines"]

SECONDS = {"linear": 6e-9, "deep": 3.5e-8}
"""CPU time of one fold per bin, feature and component, from measurements on simulated worlds [s]."""


def plan_lines(prepared: Prepared) -> list[str]:
    """Say what would be fitted on what.

    Parameters
    ----------
    prepared : Prepared
        A checked request.

    Returns
    -------
    list of str
        Overlap, bins, neurons, features per part, folds, models.
    """
    from mystax.compute.filterbank import Filterbank
    from mystax.compute.lowrank import n_components_for

    data, plan = prepared.data, prepared.plan
    bank = Filterbank().fit(data.grid, data.bins, data.usable)
    kept, out = data.population.n, sum(map(len, data.left_out.values()))
    minutes, share = (data.times[-1] - data.times[0] + data.width) / 60, 100 * data.usable.mean()
    reasons = "".join(f"; {len(ids)} {reason}" for reason, ids in data.left_out.items())
    lines = [
        f"overlap: {minutes:.1f} min, {len(data.times)} bins of {data.width:.4g} s, {share:.1f} % usable",
        f"neurons: {kept} kept, {out} left out{reasons}",
    ]
    for part in bank.parts_:
        n = sum((f.group, f.part) == (part.group, part.part) for f in bank.features_)
        words = f"{len(part.columns)} columns, {part.n_components} components, {n} features"
        lines.append(f"behaviour: {part.group}/{part.part}: {words}")
    lines += [f"left out: {name}: {reason}" for name, reason in data.grid.left_out.items()]
    length = plan.last[0] - plan.first[0]
    lines.append(f"folds: {plan.n_folds}, {plan.n_blocks} blocks of {length:.1f} s, gap {plan.gap:g} s")
    n, p, r = int(plan.train(0).sum()), len(bank.features_), n_components_for(kept, len(data.times))
    kind = "deep" if prepared.settings.deep is not None else "linear"
    seconds = plan.n_folds * (4.0 + SECONDS[kind] * n * p * (p if kind == "linear" else 20 * r) / 4)
    memory = 8 * 14 * p * p + 4 * len(data.times) * (2 * p + 4 * r) + 4 * 2048 * len(data.times) * 3
    lines.append(f"models: {prepared.reason}")
    wait = max(1, round(seconds / 60))
    lines.append(f"expected: about {wait} min on one core, {memory / 2**30 + 0.4:.1f} GiB of memory")
    lines += [f"{flag.code} {flag.text}" for flag in data.flags]
    return lines
