"""The saved encoder: everything that predicts neurons from a new recording's behaviour, as one dataset."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.encoding_members import Stack, Units
from mystax.compute.feature_table import features_of
from mystax.compute.filterbank import Filterbank, usable_bins
from mystax.compute.grid_bins import bins_of
from mystax.compute.lagged import Lagged
from mystax.compute.linear_fit import predict_rows
from mystax.compute.whitening import FittedPart, find_part
from mystax.core.behaviour import BehaviourGrid
from mystax.core.dataset import Coordinate, Schema, Variable
from mystax.core.typing import Bool, Float32, Float64, UInt8
from mystax.errors import FormatError, StoreError, WeightsError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any


__all__ = ["ENCODER", "ENCODER_VERSION", "KEPT", "N_LATENTS", "Encoder"]

ENCODER_VERSION = 1
N_LATENTS = 32
KEPT = ("signal", "groups", "position_unit", "source")

ENCODER = Schema(
    {
        "column_mean": Variable(("column",), "1", "float64", "Mean of each column on training frames."),
        "column_sd": Variable(
            ("column",), "1", "float64", "Standard deviation; infinite for a constant column."
        ),
        "column_part": Variable(("column",), "1", "int32", "Number of the part of each column."),
        "whitening": Variable(
            ("column", "feature_component"), "1", "float64", "From columns to white components."
        ),
        "component_part": Variable(
            ("feature_component",), "1", "int32", "Number of the part of each component."
        ),
        "levels": Variable(
            ("feature_component", "level"), "1", "float64", "Levels of envelopes and half-waves."
        ),
        "feature_mean": Variable(("feature",), "1", "float64", "Mean on training bins."),
        "feature_sd": Variable(("feature",), "1", "float64", "Standard deviation on training bins."),
        "feature_scale": Variable(("feature",), "1", "float64", "Factor of the feature's family and group."),
        "feature_family": Variable(("feature",), "", "str", "Family of the feature."),
        "feature_part": Variable(("feature",), "", "str", "Group and part of the feature."),
        "feature_centre": Variable(("feature",), "s", "float64", "Behaviour precedes the neurons by this."),
        "feature_width": Variable(("feature",), "s", "float64", "Half-width, or time constant of a memory."),
        "feature_frequency": Variable(
            ("feature",),
            "1",
            "float64",
            "Frequency of an envelope [Hz], or time constant of a half-wave [s].",
        ),
        "ridge_weight": Variable(("feature", "component"), "1", "float64", "Filterbank ridge."),
        "ridge_intercept": Variable(("component",), "1", "float64", "Its constants."),
        "lag": Variable(("lag",), "s", "float64", "Lags of the baseline."),
        "lagged_column_mean": Variable(("column",), "1", "float64", "Mean of each column."),
        "lagged_column_sd": Variable(("column",), "1", "float64", "Standard deviation of each column."),
        "lagged_mean": Variable(("lagged_feature",), "1", "float64", "Mean on training bins."),
        "lagged_sd": Variable(("lagged_feature",), "1", "float64", "Standard deviation on training bins."),
        "lagged_weight": Variable(("lagged_feature", "component"), "1", "float64", "Lagged ridge."),
        "lagged_intercept": Variable(("component",), "1", "float64", "Its constants."),
        "latent_weight": Variable(
            ("feature", "latent_component"), "1", "float64", "From features to latents."
        ),
        "loading": Variable(("neuron", "component"), "1", "float64", "From components to neurons."),
        "stack_weight": Variable(("member", "neuron"), "1", "float64", "Weights of the members."),
        "stack_mean": Variable(
            ("member", "component"), "1", "float32", "Taken off each member before weighing."
        ),
        "neuron_mean": Variable(("neuron",), "1", "float64", "Mean activity, unit of the source."),
        "neuron_sd": Variable(("neuron",), "1", "float64", "Standard deviation."),
        "explained_variance": Variable(
            ("neuron",), "1", "float32", "Of the stack in the evaluation.", required=False
        ),
        "network": Variable(("byte",), "1", "uint8", "ONNX model of the deep members.", required=False),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "neuron": Coordinate(("neuron",), "1", "int64", "Number of the neuron in its source."),
        "column": Coordinate(("column",), "", "str", "Name of the column of behaviour."),
        "member": Coordinate(("member",), "", "str", "Name of the member."),
    },
    more_dimensions=frozenset(
        {
            "column",
            "feature_component",
            "level",
            "lag",
            "lagged_feature",
            "latent_component",
            "member",
            "byte",
        }
    ),
)
"""What `encoding.encoder.nc` looks like."""


@dataclass(frozen=True)
class Encoder:
    """A fitted encoder.

    Attributes
    ----------
    bank : Filterbank
        Whitening and features.
    scale : array (feature,)
        Factors of the features.
    lagged : Lagged
        The baseline's design.
    linear : mapping of str to (weights, intercept)
        Linear members by name.
    network : array (byte,) or None
        ONNX model.
    units : Units
        Units and loadings of the neurons; its scores are empty.
    stack : Stack
        Weights of the members.
    members : tuple of str
        Their names.
    neurons : array (neuron,)
        Numbers of the neurons in their source.
    latent : array (feature, latent)
        From features to latents.
    width : float
        Width of a bin [s].
    facts : mapping
        Further attributes.
    evaluated : array (neuron,) or None
        Explained variance of the stack in the evaluation.
    """

    bank: Filterbank
    scale: Float64[np.ndarray, " feature"]
    lagged: Lagged
    linear: Mapping[str, tuple[np.ndarray, np.ndarray]]
    network: UInt8[np.ndarray, " byte"] | None
    units: Units
    stack: Stack
    members: tuple[str, ...]
    neurons: np.ndarray
    latent: Float64[np.ndarray, "feature latent"]
    width: float
    facts: Mapping[str, object]
    evaluated: Float32[np.ndarray, " neuron"] | None = None

    def predict(
        self, grid: BehaviourGrid, times: Float64[np.ndarray, " time"], *, scaling: str = "training"
    ) -> tuple[
        Float32[np.ndarray, "time neuron"],
        Bool[np.ndarray, " time"],
        Float32[np.ndarray, "time latent"],
        float,
    ]:
        """Predict the activity of the neurons from behaviour.

        Parameters
        ----------
        grid : BehaviourGrid
            With the groups and columns that the encoder was fitted on.
        times : array (time,)
            Centres of the bins [s].
        scaling : {"training", "new"}, optional
            ``new``: columns are standardised by this recording (another zoom of the camera).

        Returns
        -------
        prediction, usable, latent, outside
            Activity in the unit of the source; bins in which behaviour is known; latents; share of the
            features beyond five training sd.

        Raises
        ------
        WeightsError
            M702, naming what the behaviour lacks.
        """
        bank, lagged = self._rescaled(grid) if scaling == "new" else (self.bank, self.lagged)
        bins = bins_of(grid, times, self.width)
        wanted = BehaviourGrid(
            grid.start,
            grid.rate,
            tuple(p for p in grid.parts if any((p.group, p.part) == (f.group, f.part) for f in bank.parts_)),
        )
        x = bank.transform(wanted, bins)
        usable = usable_bins(wanted, bins)
        said = {"filterbank": predict_rows(x, *self.linear["filterbank"])}
        said["lagged-ridge"] = predict_rows(lagged.transform(wanted, times), *self.linear["lagged-ridge"])
        if self.network is not None:
            from mystax.nets.encoder_weights import EncoderNetwork

            said["deep"] = EncoderNetwork(self.network).predict(x[:, self.scale > 0])
        z = np.zeros((len(times), len(self.neurons)), np.float32)
        loadings = self.units.loadings.T.astype(np.float32)
        for name, weight, mean in zip(self.members, self.stack.weights, self.stack.means, strict=True):
            z += ((said[name] - mean) @ loadings) * weight.astype(np.float32)
        activity = (z * self.units.sd + self.units.mean).astype(np.float32)
        outside = float((np.abs(x[usable]) > 5).mean()) if usable.any() else 0.0
        return activity, usable, (x.astype(np.float64) @ self.latent).astype(np.float32), outside

    def _rescaled(self, grid: BehaviourGrid) -> tuple[Filterbank, Lagged]:
        """Return the designs with the columns' means and sd of another recording."""
        from copy import copy

        bank, lagged = copy(self.bank), copy(self.lagged)
        found: list[list[FittedPart]] = []
        for parts in (bank.parts_, lagged.parts_):
            made = []
            for fitted in parts:
                values = find_part(grid, fitted).values.astype(np.float64)
                known = values[np.isfinite(values).all(axis=1)]
                if not len(known):
                    raise WeightsError("M702", f"{fitted.group}/{fitted.part}", "no value to scale by")
                sd = np.where(np.isfinite(fitted.sd), known.std(0), np.inf)
                made.append(
                    FittedPart(
                        fitted.group,
                        fitted.part,
                        fitted.bank,
                        fitted.columns,
                        known.mean(0),
                        np.where(sd > 0, sd, np.inf),
                        fitted.axes,
                        fitted.levels,
                    )
                )
            found.append(made)
        bank.parts_, lagged.parts_ = found
        return bank, lagged

    # ---------------------------------------------------------------- to and from datasets

    def to_dataset(self) -> Dataset:
        """Return the encoder as a dataset in the form of `ENCODER`."""
        import xarray as xr

        parts = self.bank.parts_
        features = [f for part in parts for f in features_of(part, self.bank.rate_)]
        n_components = sum(part.n_components for part in parts)
        n_levels = max((part.levels.shape[1] for part in parts), default=0)
        whitening = np.zeros((sum(len(part.mean) for part in parts), n_components))
        levels = np.full((n_components, n_levels), np.nan)
        row = place = 0
        for part in parts:
            n, k = part.axes.shape
            whitening[row : row + n, place : place + k] = part.axes
            levels[place : place + k, : part.levels.shape[1]] = part.levels
            row, place = row + n, place + k
        ridge, lagged = self.linear["filterbank"], self.linear["lagged-ridge"]
        one = ("feature",)
        variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "column_mean": (("column",), np.concatenate([part.mean for part in parts])),
            "column_sd": (("column",), np.concatenate([part.sd for part in parts])),
            "column_part": (
                ("column",),
                np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.mean) for p in parts]),
            ),
            "whitening": (("column", "feature_component"), whitening),
            "component_part": (
                ("feature_component",),
                np.repeat(np.arange(len(parts), dtype=np.int32), [part.n_components for part in parts]),
            ),
            "levels": (("feature_component", "level"), levels),
            "feature_mean": (one, self.bank.mean_),
            "feature_sd": (one, self.bank.sd_),
            "feature_scale": (one, self.scale),
            "feature_family": (one, np.array([f.family for f in features], object)),
            "feature_part": (one, np.array([f"{f.group}/{f.part}" for f in features], object)),
            "feature_centre": (one, np.array([f.centre for f in features])),
            "feature_width": (one, np.array([f.width for f in features])),
            "feature_frequency": (one, np.array([f.frequency for f in features])),
            "ridge_weight": (("feature", "component"), ridge[0]),
            "ridge_intercept": (("component",), ridge[1]),
            "lag": (("lag",), self.lagged.lags_),
            "lagged_column_mean": (("column",), np.concatenate([part.mean for part in self.lagged.parts_])),
            "lagged_column_sd": (("column",), np.concatenate([part.sd for part in self.lagged.parts_])),
            "lagged_mean": (("lagged_feature",), self.lagged.mean_),
            "lagged_sd": (("lagged_feature",), self.lagged.sd_),
            "lagged_weight": (("lagged_feature", "component"), lagged[0]),
            "lagged_intercept": (("component",), lagged[1]),
            "latent_weight": (("feature", "latent_component"), self.latent),
            "loading": (("neuron", "component"), self.units.loadings),
            "stack_weight": (("member", "neuron"), self.stack.weights),
            "stack_mean": (("member", "component"), self.stack.means),
            "neuron_mean": (("neuron",), self.units.mean),
            "neuron_sd": (("neuron",), self.units.sd),
        }
        if self.network is not None:
            variables["network"] = (("byte",), self.network)
        if self.evaluated is not None:
            variables["explained_variance"] = (("neuron",), self.evaluated.astype(np.float32))
        from mystax.core.dataset import complete_outcome

        dataset = xr.Dataset(
            variables,
            coords={
                "neuron": self.neurons.astype(np.int64),
                "column": [name for part in parts for name in part.columns],
                "member": list(self.members),
            },
            attrs={
                **self.facts,
                "encoder_version": ENCODER_VERSION,
                "grid_rate": self.bank.rate_,
                "bin": self.width,
                "parts": json.dumps([[part.group, part.part, part.bank] for part in parts]),
                "fallback": int(self.stack.fallback),
            },
        )
        return complete_outcome(dataset, ENCODER)

    @classmethod
    def from_dataset(cls, dataset: Dataset, where: str = "encoder") -> "Encoder":
        """Build the encoder from a dataset.

        Raises
        ------
        StoreError
            S505, if a newer mystax made it.
        FormatError
            F804, if it is no encoder.
        """
        from mystax.core.dataset import check_outcome

        version = dataset.attrs.get("encoder_version")
        if version is None:
            raise FormatError(
                "F804", where, "this is no encoder", expected="attribute 'encoder_version'", got="none"
            )
        if int(version) > ENCODER_VERSION:
            raise StoreError(
                "S505",
                where,
                "the encoder was made by a newer mystax",
                expected=f"encoder_version at most {ENCODER_VERSION}",
                got=str(version),
                hint="update mystax",
            )
        check_outcome(dataset, ENCODER, where)

        def values(name: str) -> np.ndarray:
            return np.asarray(dataset[name].values)

        owner, component = values("column_part"), values("component_part")
        names = [str(name) for name in values("column")]
        fitted, plain = [], []
        for k, (group, part, bank_name) in enumerate(json.loads(str(dataset.attrs["parts"]))):
            rows, places = owner == k, component == k
            columns = tuple(name for name, mine in zip(names, rows, strict=True) if mine)
            levels = values("levels")[places]
            levels = levels[:, np.isfinite(levels).all(0)] if len(levels) else levels[:, :0]
            axes = values("whitening")[np.ix_(rows, places)]
            fitted.append(
                FittedPart(
                    group,
                    part,
                    bank_name,
                    columns,
                    values("column_mean")[rows],
                    values("column_sd")[rows],
                    axes,
                    levels,
                )
            )
            plain.append(
                FittedPart(
                    group,
                    part,
                    bank_name,
                    columns,
                    values("lagged_column_mean")[rows],
                    values("lagged_column_sd")[rows],
                    np.zeros((int(rows.sum()), 0)),
                    np.zeros((0, 0)),
                )
            )
        bank, lagged = Filterbank(), Lagged()
        bank.parts_, bank.rate_ = fitted, float(dataset.attrs["grid_rate"])
        bank.mean_, bank.sd_ = values("feature_mean"), values("feature_sd")
        lagged.parts_, lagged.lags_, lagged.width_ = plain, values("lag"), float(dataset.attrs["bin"])
        lagged.mean_, lagged.sd_ = values("lagged_mean"), values("lagged_sd")
        empty = np.zeros((0, dataset.sizes["component"]), np.float32)
        units = Units(values("neuron_mean"), values("neuron_sd"), values("loading"), empty)
        stack = Stack(values("stack_weight"), values("stack_mean"), bool(dataset.attrs.get("fallback", 0)))
        return cls(
            bank,
            values("feature_scale"),
            lagged,
            {
                "filterbank": (values("ridge_weight"), values("ridge_intercept")),
                "lagged-ridge": (values("lagged_weight"), values("lagged_intercept")),
            },
            values("network") if "network" in dataset else None,
            units,
            stack,
            tuple(str(name) for name in values("member")),
            values("neuron"),
            values("latent_weight"),
            float(dataset.attrs["bin"]),
            {name: value for name, value in dataset.attrs.items() if name in KEPT},
            values("explained_variance") if "explained_variance" in dataset else None,
        )
