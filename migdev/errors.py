"""Every exception and every warning that migdev raises.

An error says what was found, what was expected and how to mend it. All errors derive from
:class:`MigdevError` and from :class:`ValueError`, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

from collections.abc import Iterable


class MigdevError(ValueError):
    """Root of all errors of this package."""


class PanelError(MigdevError):
    """The data cannot form a panel: duplicate keys, unordered or missing time, bad columns."""


class FormulaError(MigdevError):
    """The formula cannot be read, or names what the panel does not hold."""


class IdentificationError(MigdevError):
    """The data cannot identify what the specification asks for."""


class SpecificationError(MigdevError):
    """Options that contradict each other; raised when the specification is built."""


class CovarianceError(MigdevError):
    """The covariance asked for cannot be computed on this sample."""


class ConvergenceError(MigdevError):
    """An iterative method did not converge."""


class ResultError(MigdevError):
    """A result was asked for something that it does not hold."""


class SourceError(MigdevError):
    """A data source or file did not give what was asked for."""


class CountryError(MigdevError):
    """A country name or code could not be recognised."""


class ReportError(MigdevError):
    """A table, figure or page cannot be made as asked."""


class MigdevWarning(UserWarning):
    """Root of all warnings of this package."""


class RenamedWarning(MigdevWarning, FutureWarning):
    """An option was given by its former name."""


class DroppedRowsWarning(MigdevWarning):
    """Rows of the panel are not in the estimation sample."""


class DroppedEntitiesWarning(DroppedRowsWarning):
    """Whole entities are not in the sample: too few periods, a constant series, a gap."""


class AdjustmentWarning(MigdevWarning):
    """Error-correction speeds that do not correct: positive, or explosive (below -2)."""


class DroppedColumnsWarning(MigdevWarning):
    """Columns of the data are not in the panel that was made from them."""


class SingletonWarning(MigdevWarning):
    """Groups of one observation were dropped: their effect fits them exactly."""


class DroppedOutcomeWarning(MigdevWarning):
    """An outcome of a dimension has no data; its index is that of the others."""


class CollinearityWarning(MigdevWarning):
    """Columns were dropped: collinear with others, constant, or absorbed by the effects."""


class FewClustersWarning(MigdevWarning):
    """Too few clusters for the usual asymptotics."""


class VarianceComponentWarning(MigdevWarning):
    """A variance component was set to zero, or holds more than its effect."""


class CovarianceWarning(MigdevWarning):
    """The covariance was mended (not positive semi-definite, rank deficient)."""


class WeakInstrumentsWarning(MigdevWarning):
    """The instruments explain little of the endogenous regressors."""


class InvalidInstrumentsWarning(MigdevWarning):
    """Instruments that hold the error of the equation they should be unrelated to."""


class ManyInstrumentsWarning(MigdevWarning):
    """More instruments than the number of entities supports."""


class SizeWarning(MigdevWarning):
    """In simulated samples of this size a test's true null is rejected, or an interval's truth
    missed, much more often than its level says."""


class ConvergenceWarning(MigdevWarning):
    """An iterative method stopped before its tolerance."""


class PredictionWarning(MigdevWarning):
    """Predictions are missing: levels or entities that the fit did not see."""


class CountryWarning(MigdevWarning):
    """Rows were recoded or excluded while country codes were harmonised."""


class JoinWarning(MigdevWarning):
    """Keys of one extract have no match in another."""


class PluginWarning(MigdevWarning):
    """A part of another package could not be loaded and is left out."""


class SourceWarning(MigdevWarning):
    """A source gave less than it was asked for, or an old copy."""


def listing(items: Iterable[object], limit: int = 6) -> str:
    """``'a', 'b', ... (12 in all)``: names for a message, never an endless line."""
    names = [repr(item) for item in items]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, ... ({len(names)} in all)"


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the nearest known name, or an empty string."""
    from difflib import get_close_matches

    by_lower = {k.lower(): k for k in known}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""
