"""Values of the variables of a fit on the rows of its sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.panel.expressions.evaluate import BY_TIME
from migdev.panel.frame_input import to_pandas
from migdev.results.marginal.terms import Dual, Evaluator, Reader, is_shift

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class SampleValues:
    """Columns and expressions on the rows of a sample; lags where these are rows of a panel."""

    reader: Reader
    frame: pd.DataFrame | None
    rows: IntArray | slice
    panel: Any = None

    @classmethod
    def of(cls, estimate: Estimate, data: Any = None) -> SampleValues:
        """The sample of a fit, or the data that a caller gives for one that keeps none."""
        if data is None and estimate.sample is not None:
            panel = estimate.sample.panel
            frame = pd.DataFrame({name: panel[name].array for name in panel.columns}, copy=False)
            return cls(Reader(panel.columns), frame, estimate.sample.rows, panel)
        if data is None:
            return cls(Reader(), None, slice(None))
        frame = to_pandas(data)
        return cls(Reader(str(c) for c in frame.columns), frame, slice(None))

    def factor(self, name: str) -> AnyArray | None:
        """(n,) values of a column, None where missing."""
        if self.frame is None or name not in self.frame.columns:
            return None
        values = self.frame[name]
        return values.astype(object).where(values.notna(), None).to_numpy()[self.rows]

    def number(self, key: str) -> FloatArray | None:
        """(n,) values of an expression; None where they cannot be had from the data."""
        tree = self.reader.tree(key)
        if self.frame is None or tree is None:
            return None
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self._value(tree), dtype=float)
        except (ResultError, KeyError, TypeError, ValueError):
            return None  # the caller must name values
        return np.asarray(np.broadcast_to(values, (len(self.frame),))[self.rows])

    def _value(self, tree: Any) -> Any:
        return Evaluator(self.reader, {}, self._column).visit(tree).value

    def _column(self, key: str) -> Dual:
        assert self.frame is not None
        if key in self.frame.columns:
            return Dual(self.frame[key].to_numpy(dtype=float, na_value=np.nan))
        node = self.reader.tree(key)
        if node is not None and is_shift(node) and self.panel is not None:
            inner, *steps = node.args  # type: ignore[attr-defined]
            k = [int(self._value(step)) for step in steps]
            shift = BY_TIME[node.func.id]  # type: ignore[attr-defined]
            return Dual(shift(self.panel, np.asarray(self._value(inner), dtype=float), *k))
        raise KeyError(key)
