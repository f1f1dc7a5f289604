"""Who carries an estimate: effective clusters, leverage, and the estimate without a country."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from migdev.kernels.sandwich.moments import Moments
from migdev.kernels.sandwich.summary_index import effective_clusters
from migdev.study.index_estimate import IndexEstimate


def carriers(components: Iterable[Any], result: Any, most: int = 5) -> pd.DataFrame:
    r"""The entities that carry each estimate of a joint test.

    One row per component and entity, the heaviest first, with columns

    ================ =============================================================================
    effective        effective number of clusters of the component
                     (:func:`~migdev.kernels.sandwich.summary_index.effective_clusters`)
    df               degrees of freedom of its tests
    share            of the variance that the entity brings under the working model: for one
                     equation its partial leverage :math:`\tilde x_g'\tilde x_g/\tilde x'\tilde x`
    contribution     what it adds to the estimate
    without          the estimate without the entity: exact for a :class:`~migdev.Dimension` at its
                     standard deviations and weights, else to first order
    ================ =============================================================================

    Parameters
    ----------
    components : components of the study
    result : JointResult
    most : int
        Entities told of each component.
    """
    frames: list[pd.DataFrame] = []
    for c in components:
        fit, focal = result.fits[c.name], result.focal[c.name]
        psi = c.influence(fit)
        brought, lost = _brought(c, fit, psi), psi
        if isinstance(fit, IndexEstimate):
            lost = psi if fit.losses is None else fit.losses
        share = brought / brought.sum()
        frame = pd.DataFrame(
            {
                "effective": effective_clusters(brought.tolist()), "df": focal.df,
                "share": share, "contribution": psi, "without": focal.estimate - lost,
            }
        )  # fmt: skip
        heaviest: pd.DataFrame = frame.sort_values("share", ascending=False, kind="stable").head(
            most
        )
        frames.append(pd.concat({c.name: heaviest}, names=["component", "entity"]))
    found: pd.DataFrame = pd.concat(frames)
    return found


def _brought(component: Any, fit: Any, psi: pd.Series[float]) -> pd.Series[float]:
    """(G,) what each entity brings to the variance under the working model; squares of the
    contributions where a fit keeps no rows, or its focal parameter is no coefficient."""
    if isinstance(fit, IndexEstimate):
        return fit.entity_variance
    name = component.term.strip("`")
    m = fit.moments
    if not isinstance(m, Moments) or name not in fit.names:
        return psi**2
    loading = m.X @ m.bread[:, fit.names.index(name)]
    total = np.bincount(m.entity, weights=loading**2, minlength=len(psi))
    return pd.Series(total, index=psi.index)
