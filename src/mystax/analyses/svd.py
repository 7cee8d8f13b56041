"""Declaration of the analysis `svd`: components of motion, and of the pictures themselves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

if TYPE_CHECKING:
    from mystax.compute.svd_joint import JointSvdReducer
else:
    JointSvdReducer = Any

__all__ = ["SVD", "SVD_JOINT", "SvdParams", "joint_svd", "svd"]

_ROI = ("roi",)
_COMPONENT = ("roi", "component")


def _variables(kind: str, words: str, bins: tuple[str, ...]) -> Mapping[str, Variable]:
    """Declare what one decomposition gives."""
    return {
        f"{kind}_svd": Variable(
            ("time", *_COMPONENT),
            "grey_level",
            "float32",
            f"Components of {words} over time (V = A U).",
            False,
        ),
        f"{kind}_mask": Variable(
            (*_COMPONENT, *bins), "1", "float32", "Spatial components (U): unit norm, orthogonal.", False
        ),
        f"{kind}_singular_value": Variable(
            _COMPONENT, "grey_level", "float64", "Singular values (S).", False
        ),
        f"{kind}_captured": Variable(
            _COMPONENT, "1", "float64", "Share of the total variance in this and all stronger ones.", False
        ),
        f"{kind}_mean": Variable(
            ("roi", *bins), "grey_level", "float32", "What was taken off: the mean over time.", False
        ),
        f"{kind}_variance": Variable(
            _ROI, "grey_level2", "float64", "Sum of squares about the mean, over frames and bins.", False
        ),
        f"{kind}_shortfall": Variable(
            _ROI, "1", "float64", "Estimated share of the best capturable variance that is missing.", False
        ),
        f"{kind}_method": Variable(_ROI, "", "str", "How it was decomposed.", False),
        f"{kind}_n_readings": Variable(_ROI, "1", "int32", "How often the bins were read.", False),
        f"{kind}_orthogonality": Variable(_ROI, "1", "float64", "Largest element of |U'U - 1|.", False),
        f"{kind}_norm_error": Variable(
            _ROI, "1", "float64", "Largest |norm of a column of V / S - 1|.", False
        ),
    }


_BOX = ("y", "x")

SVD = Schema(
    {
        **_variables("motion", "motion", _BOX),
        **_variables("movie", "the pictures", _BOX),
        "x_origin": Variable(_ROI, "px", "int32", "First column of the region's box of bins."),
        "y_origin": Variable(_ROI, "px", "int32", "First row of the region's box of bins."),
    }
)

_BIN = ("bin",)

SVD_JOINT = Schema(
    {
        **_variables("motion", "motion", _BIN),
        **_variables("movie", "the pictures", _BIN),
        "bin_x": Variable(_BIN, "px", "int32", "First column of the bin."),
        "bin_y": Variable(_BIN, "px", "int32", "First row of the bin."),
    },
    coordinates={"camera": Variable(_BIN, "", "str", "Camera of the bin.")},
    more_dimensions=frozenset({"bin"}),
)


class SvdParams(Params):
    """Parameters of `svd`."""

    n_components: int = param(500, ge=1, le=2000, help="Components kept per region.")
    bin: int | Literal["auto"] = param(
        "auto",
        ge=1,
        le=32,
        unit="px",
        help="Side of the square of pixels that is averaged first; auto: 4 for 640 x 480.",
    )
    with_motion: bool = param(True, help="Decompose the absolute differences of successive frames.")
    with_movie: bool = param(False, help="Decompose the pictures themselves.")
    all_cameras: bool = param(False, help="One more decomposition over the bins of all cameras.")
    facemap_compat: bool = param(
        False,
        help="Sampled mean and no component of the uniform picture, to compare with Facemap 1.0 only.",
    )
    max_spool: float = param(
        16.0, ge=0, le=1024, unit="GiB", help="Scratch for the bins; above it two decodes instead of one."
    )
    tolerance: float = param(
        0.02,
        ge=0.001,
        le=0.2,
        help="The bins are read again while more captured variance than this is missing (large regions).",
    )
    seed: int = param(0, ge=0, le=2**31 - 1, help="Start of the subspace (large regions).")


def _settings(params: SvdParams) -> dict[str, Any]:
    """Return what the reducers take."""
    from mystax.compute.svd_routes import SvdSettings

    return {
        "settings": SvdSettings(
            n_components=params.n_components,
            facemap_compat=params.facemap_compat,
            max_spool=params.max_spool,
            tolerance=params.tolerance,
            seed=params.seed,
        ),
        "size": None if params.bin == "auto" else params.bin,
        "with_motion": params.with_motion,
        "with_movie": params.with_movie,
    }


def joint_svd(params: SvdParams, reference: str = "") -> JointSvdReducer:
    """Make the reducer of the decomposition over the bins of all cameras.

    Parameters
    ----------
    params : SvdParams
        Parameters of `svd`.
    reference : str, optional
        Camera whose frames are the timeline; by default the first.

    Returns
    -------
    JointSvdReducer
        Takes aligned chunks of all cameras.
    """
    from mystax.compute.svd_joint import JointSvdReducer

    return JointSvdReducer(reference=reference, **_settings(params))


@analysis(
    "svd",
    version=1,
    params=SvdParams,
    inputs=[FramesIn(), RoiIn("motion", many=True, whole_frame=True)],
    outputs=SVD,
    make_joint=joint_svd,
    joint_outputs=SVD_JOINT,
)
def svd(params: SvdParams) -> Reducer:
    """Find the components of motion in each region, with their strength over time."""
    from mystax.compute.svd import SvdReducer

    return SvdReducer(**_settings(params))
