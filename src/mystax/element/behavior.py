"""Places in space, states and predicted activity: the schema `behavior`, which Element Facemap lacks."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Unpack

import datajoint as dj

from mystax.element import facemap_inference as fi
from mystax.element import facial_behavior_estimation as fbe
from mystax.element.activation import How, activate_schema
from mystax.element.dead_jobs import kept_alive
from mystax.element.folders import folder_beside_video, output_folder
from mystax.element.outcome_rows import encoding_rows, pose3d_rows, provenance_of, states_rows
from mystax.element.populating import populate_tables
from mystax.element.poses import run_pose
from mystax.element.rows import check_packet, insert_rows
from mystax.engine.encoding.encoding import encoding
from mystax.engine.space.pose3d import pose3d
from mystax.engine.states.states import states
from mystax.errors import ParameterError, RecipeError, nearest
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.neural.reading import read_neural
from mystax.io.outcomes import Outcomes

__all__ = [
    "BehaviorState",
    "BehaviorStateTask",
    "MultiCameraRecording",
    "NeuralPrediction",
    "NeuralPredictionTask",
    "Pose3D",
    "Pose3DTask",
    "activate",
    "populate_all",
    "schema",
]

schema = dj.Schema()
INPUTS, KEYPOINTS, NEURAL, PARAMETERS, TRACKS = "inputs", "keypoints", "neural", "parameters", "tracks"


def activate(
    schema_name: str | None,
    *,
    linking_module: ModuleType | str | None = None,
    **how: Unpack[How],
) -> None:
    """Bind the schema to a database, after `facial_behavior_estimation` and `facemap_inference`.

    Parameters
    ----------
    schema_name : str
        Name of the schema on the server.
    linking_module : module or str, optional
        By default that of `facial_behavior_estimation`.
    **how
        ``create_schema``, ``create_tables``, ``array_store``, ``connection``
        (`mystax.element.activation.How`).

    Raises
    ------
    RecipeError
        P403, if `facial_behavior_estimation` is not active, or the linking module lacks names.
    """
    if linking_module is not None:
        fbe.link.take(linking_module, fbe.NEEDED)
    activate_schema(
        schema,
        schema_name,
        fbe.link.tables("Session"),
        beside=fbe.schema,
        **how,
    )


def check_recipe(recipe: Mapping[str, Any], known: tuple[str, ...], where: str) -> dict[str, Any]:
    """Return the recipe of a task; unknown keys are refused with the nearest one (P401)."""
    for key in recipe:
        if key not in known:
            raise ParameterError(
                "P401", where, f"unknown key {key!r}{nearest(str(key), known)}", expected=", ".join(known)
            )
    return dict(recipe)


def outcomes_of(key: Mapping[str, Any], recipe: Mapping[str, Any]) -> Path:
    """Return what a recipe calls its inputs; by default the outcomes of the recording's only task.

    Raises
    ------
    RecipeError
        P403, if the recipe names nothing and the recording has no or several outcomes.
    """
    if recipe.get(INPUTS):
        return fbe.link.find(str(recipe[INPUTS]))
    found = (fbe.FacemapProcessing & key).to_arrays("provenance")
    paths = sorted({str(item["path"]) for item in found if item["kind"] == "mystax"})
    if len(paths) != 1:
        raise RecipeError(
            "P403",
            "recipe",
            "it does not say which outcomes are meant",
            expected='{"inputs": "folder relative to a root"}',
            got=", ".join(paths) or "no outcomes of this recording",
        )
    return fbe.link.find(paths[0])


def placed_clock(text: str) -> str:
    """Return a clock whose files, relative to a root in the table, are where they are.

    Raises
    ------
    ParameterError
        P401, if the text names no clock.
    RecipeError
        P403, if no root has a file of it.
    """
    spec = parse_clock_spec(text)
    for file in filter(None, (spec.file, spec.session_file)):
        text = text.replace(file, str(fbe.link.find(file)), 1)
    return text


@schema
class MultiCameraRecording(dj.Manual):
    """Cameras that filmed together."""

    definition = """
    # cameras that filmed together
    -> Session
    set_id : int16
    ---
    calibration_path="" : varchar(255)   # relative to a root
    """

    class View(dj.Part):
        """One camera, by its name in the calibration."""

        definition = """
        -> master
        camera : varchar(64)
        ---
        -> fbe.VideoRecording
        """


@schema
class Pose3DTask(dj.Manual):
    """Points that are to be found in space."""

    definition = """
    # points to be found in space
    -> MultiCameraRecording
    -> fi.FacemapModel
    ---
    parameters : json    # those of pose3d; tracks (camera to file) where points are tracked already
    """


@schema
class Pose3D(dj.Computed):
    """Points in space."""

    definition = """
    # points in space
    -> Pose3DTask
    ---
    unit="mm" : varchar(8)
    residual_median : float64    # distance of a point to where a camera sees it [px]
    flatness : float64           # third over first extent of the mean shape
    provenance : json
    """

    class Keypoint(dj.Part):
        """One point."""

        definition = """
        -> master
        -> fi.BodyPart
        ---
        position : <array>       # (nframes, 3)
        confidence : <array>     # (nframes,) 0..1
        """

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch views, calibration, model and parameters."""
        views = (MultiCameraRecording.View & key).to_dicts(order_by="camera")
        recording = list(fbe.VideoRecording.primary_key)
        found = []
        for view in views:
            own = {name: view[name] for name in recording}
            found.append([str(view["camera"]), own, fbe.video_of(own)])
        calibration = str((MultiCameraRecording & key).fetch1("calibration_path"))
        model = (fi.FacemapModel & key).fetch1("model_id", "weights_hash")
        parameters = dict((Pose3DTask & key).fetch1("parameters"))
        return found, calibration, [int(model[0]), str(model[1])], parameters

    def make_compute(
        self,
        key: dict[str, Any],
        views: list[list[Any]],
        calibration: str,
        model: list[Any],
        parameters: dict[str, Any],
    ) -> tuple[Any, ...]:
        """Track each view unless it is tracked already, and bring the tracks together."""
        given = dict(parameters)
        tracks = {str(name): fbe.link.find(str(path)) for name, path in given.pop(TRACKS, {}).items()}
        if not views:
            raise RecipeError("P403", "MultiCameraRecording.View", "the set has no camera")
        with kept_alive(self, key):
            rig = fbe.link.find(calibration)
            poses: dict[str, Any] = {}
            for camera, own, video in views:
                if camera in tracks:
                    poses[camera] = tracks[camera]
                    continue
                task = {**own, "model_id": model[0]}
                folder = fi.FacemapInferenceTask.infer_output_dir(task, relative=False, mkdir=False)
                recording = fbe.open_clocked(video)
                try:
                    weights = fi.weights_of(
                        {"model_id": model[0], "weights_hash": model[1]}, folder / "weights"
                    )
                    poses[camera] = run_pose(recording, weights, None, folder)["pose"]
                finally:
                    recording.close()
            first = folder_beside_video(views[0][1])
            folder = first / f"pose3d_set{key['set_id']}_model{model[0]}"
            dataset = pose3d(poses, rig=rig, out=folder, **given)
            facts, rows = pose3d_rows(dataset)
            in_table = fbe.keeps_arrays_in_table(self.Keypoint)
            check_packet(self.connection, in_table, dataset.sizes["time"], 12, f"Pose3D {key}")
            return facts, rows, provenance_of(fbe.link, dataset, folder / "pose3d.nc")

    def make_insert(
        self,
        key: dict[str, Any],
        facts: dict[str, Any],
        rows: list[dict[str, Any]],
        provenance: dict[str, Any],
    ) -> None:
        """Insert the points; names that are new become body parts."""
        self.insert1({**key, **facts, "provenance": provenance})
        fi.BodyPart.insert(({"body_part": row["body_part"]} for row in rows), skip_duplicates=True)
        insert_rows(self.Keypoint, ({**key, **row} for row in rows))


@schema
class BehaviorStateTask(dj.Manual):
    """States that are to be found."""

    definition = """
    # states to be found
    -> fbe.VideoRecording
    state_task_id : int16
    ---
    recipe : json    # inputs (outcomes or track, relative to a root), keypoints, parameters of states
    """


@schema
class BehaviorState(dj.Computed):
    """States of a recording."""

    definition = """
    # states
    -> BehaviorStateTask
    ---
    n_states : int16
    log_likelihood_held_out=null : float64    # per frame
    label : <array>                           # (nframes,) state, -1 missing
    posterior : <array>                       # (nframes, n_states)
    provenance : json
    """

    class State(dj.Part):
        """One state."""

        definition = """
        -> master
        state : int16
        ---
        state_name="" : varchar(64)
        occupancy : float64             # share of the observed time
        n_bouts : int32
        dwell_median=null : float64     # [s], null without a complete bout
        """

    class Bout(dj.Part):
        """One bout."""

        definition = """
        -> master
        bout : int32
        ---
        state : int16
        start : float64     # [s], session clock
        stop : float64
        """

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch the recipe and where its inputs are."""
        recipe = dict((BehaviorStateTask & key).fetch1("recipe"))
        checked = check_recipe(recipe, (INPUTS, KEYPOINTS, PARAMETERS), "recipe of BehaviorStateTask")
        return checked, str(outcomes_of(key, checked))

    def make_compute(self, key: dict[str, Any], recipe: dict[str, Any], inputs: str) -> tuple[Any, ...]:
        """Fit the states."""
        folder = output_folder(key, "states", key["state_task_id"])
        with kept_alive(self, key):
            states(inputs, keypoints=recipe.get(KEYPOINTS), out=folder, **recipe.get(PARAMETERS, {}))
            outcomes = Outcomes.of_folder(folder)
            dataset = outcomes["states"]
            n, width = dataset["posterior"].shape
            in_table = fbe.keeps_arrays_in_table(self)
            check_packet(self.connection, in_table, n, 4 * width, f"BehaviorState {key}")
            facts, found, bouts = states_rows(dataset)
            facts["provenance"] = provenance_of(fbe.link, dataset, folder / "states.nc")
            return facts, found, bouts

    def make_insert(
        self,
        key: dict[str, Any],
        facts: dict[str, Any],
        found: list[dict[str, Any]],
        bouts: list[dict[str, Any]],
    ) -> None:
        """Insert states and bouts."""
        self.insert1({**key, **facts})
        insert_rows(self.State, ({**key, **row} for row in found))
        insert_rows(self.Bout, ({**key, **row} for row in bouts))


@schema
class NeuralPredictionTask(dj.Manual):
    """Neural activity that is to be predicted from behaviour."""

    definition = """
    # activity to be predicted
    -> fbe.VideoRecording
    prediction_task_id : int16
    ---
    neural_path : varchar(255)    # relative to a root
    recipe : json                 # inputs (relative to a root), neural (clock, ...), parameters of encoding
    """


@schema
class NeuralPrediction(dj.Computed):
    """How much of the activity behaviour explains."""

    definition = """
    # explained activity
    -> NeuralPredictionTask
    ---
    explained_variance : float64                  # mean over neurons, best model
    explained_variance_lagged_ridge : float64     # on the same folds
    outcome_path : varchar(255)                   # relative to a root
    provenance : json
    """

    class Neuron(dj.Part):
        """One neuron."""

        definition = """
        -> master
        neuron : int32                            # number of the neuron in its source
        ---
        explained_variance : float64
        ceiling=null : float64
        """

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch the recipe and where its inputs are."""
        neural, recipe = (NeuralPredictionTask & key).fetch1("neural_path", "recipe")
        checked = check_recipe(dict(recipe), (INPUTS, NEURAL, PARAMETERS), "recipe of NeuralPredictionTask")
        return checked, str(outcomes_of(key, checked)), str(neural)

    def make_compute(
        self, key: dict[str, Any], recipe: dict[str, Any], inputs: str, neural: str
    ) -> tuple[Any, ...]:
        """Fit the encoder."""
        folder = output_folder(key, "encoding", key["prediction_task_id"])
        with kept_alive(self, key):
            options = dict(recipe.get(NEURAL, {}))
            if "clock" in options:
                options["clock"] = placed_clock(str(options["clock"]))
            activity = read_neural(fbe.link.find(neural), **options)
            dataset = encoding(inputs, activity, out=folder, **recipe.get(PARAMETERS, {}))
            facts, neurons = encoding_rows(dataset)
            path = folder / "encoding.nc"
            facts["outcome_path"] = fbe.link.relative(path)
            facts["provenance"] = provenance_of(fbe.link, dataset, path)
            return facts, neurons

    def make_insert(self, key: dict[str, Any], facts: dict[str, Any], neurons: list[dict[str, Any]]) -> None:
        """Insert explained variance per neuron."""
        self.insert1({**key, **facts})
        insert_rows(self.Neuron, ({**key, **row} for row in neurons))


def populate_all(
    *restrictions: Any, processes: int = 1, retry_errors: bool = False, **freeing: Any
) -> dict[str, dict[str, Any]]:
    """Do what is to be done; as `facial_behavior_estimation.populate_all`."""
    tables = [Pose3D(), BehaviorState(), NeuralPrediction()]
    return populate_tables(tables, restrictions, processes=processes, retry_errors=retry_errors, **freeing)
