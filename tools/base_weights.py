"""Make the base weights: render a pool of heads, train on it, look at the shifted set.  Goes on after a kill.

Examples
--------
::

    python tools/base_weights.py render POOL --count 100000 --workers 2
    python tools/base_weights.py render SHIFTED --count 2000 --ranges shifted --seed 900
    python tools/base_weights.py train POOL --shifted SHIFTED --out RUN --steps 18750
    python tools/base_weights.py train POOL --shifted SHIFTED --out RUN --minutes 90 --warm OTHER.safetensors

A run is a folder: `checkpoint.safetensors` (all that a later process needs), `weights.safetensors` (the
averaged weights), `log.txt`.  The rate follows the share of the training that is done, so a killed run goes
on with the same schedule; rows of the pool are drawn by (seed, step), so it goes on with the same pictures.
"""

import argparse
import csv
import json
import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mystax.nets.augment import Augmentation, augment, mirror_order
from mystax.nets.crop import crop_resize, frame_box, grey_span, normalise, normalise_crops
from mystax.nets.fitting import Batch, Fitter, predict
from mystax.nets.pool import ImagePool, write_part
from mystax.nets.tracker import Dense, build_tracker

POINTS = [
    *("eye_front", "eye_back", "eye_top", "eye_bottom", "nose_top", "nose_tip", "nose_bottom", "nose_far"),
    *("whisker_I", "whisker_II", "whisker_III", "mouth", "lower_lip", "nosebridge", "paw", "whisker_C2"),
    *("whisker_E1", "pupil", "ear_base", "ear_tip", "chin", "tongue_tip"),
]
PART = 1000
LONGEST_STEP = 30.0  # [s]; what is longer was a machine asleep or a process held, not training
# Names of the real set's label file, where they differ.
REAL = {"whisker_2": "whisker_I", "whisker_1": "whisker_II", "whisker_3": "whisker_III", "lip": "lower_lip"}


def render(arguments: argparse.Namespace) -> None:
    """Render the parts of a pool that are missing."""
    from mystax.synth.head import render_batch

    folder = Path(arguments.pool)
    folder.mkdir(parents=True, exist_ok=True)
    there = set(ImagePool(folder).numbers)
    for number in range(-(-arguments.count // PART)):
        if number in there:
            continue
        begin = time.perf_counter()
        options = {"ranges": arguments.ranges} if arguments.ranges else {}
        batch = render_batch(
            arguments.seed, number * PART, PART, size=256, workers=arguments.workers, **options
        )
        write_part(
            folder,
            number,
            np.ascontiguousarray(batch.image, np.uint8),
            np.ascontiguousarray(batch.xy, np.float32),
            np.ascontiguousarray(batch.state, np.uint8),
        )
        print(f"part {number}: {(time.perf_counter() - begin) / PART * 1e3:.1f} ms per image", flush=True)


def figures(error: np.ndarray) -> str:
    """Put errors [px@256] into words."""
    error = error[np.isfinite(error)]
    return (
        f"median {np.median(error):.2f} mean {error.mean():.2f} PCK@5 {np.mean(error <= 5):.3f} "
        f"PCK@10 {np.mean(error <= 10):.3f}"
    )


def per_point(error: np.ndarray, names: list[str]) -> str:
    """Put the median error of each point into words."""
    return " ".join(f"{n}={np.nanmedian(error[:, k]):.1f}" for k, n in enumerate(names))


def shifted_errors(net: Dense, pool: ImagePool, count: int) -> np.ndarray:
    """Return errors [px@256] on rendered crops that training never saw; NaN where a point is not seen."""
    index = np.linspace(0, len(pool) - 1, min(count, len(pool))).astype(np.int64)
    image, xy, state = pool.read(index)
    error = np.linalg.norm(predict(net, normalise_crops(image)).xy - xy, axis=-1) * 256 / image.shape[-1]
    return np.where(state == 2, error, np.nan)


def real_crops(folder: Path, labels: Path) -> tuple[np.ndarray, np.ndarray, list[str], list[int]]:
    """Read a folder of labelled stills (wide csv), boxes being whole frames.

    Returns normalised crops, true places [crop px], the points' names in the file, and their ranks here.
    """
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [key[:-2] for key in rows[0] if key.endswith("_x")]
    known = [name for name in names if REAL.get(name, name) in POINTS]
    crops, truth = [], []
    for row in rows:
        frame = np.asarray(Image.open(folder / row["file"]).convert("L"))
        box = frame_box(*frame.shape)
        crop, valid = crop_resize(frame, box, 256)
        normalise(crop, valid, grey_span(frame.dtype))
        crops.append(crop)
        points = np.array([[float(row[f"{n}_{axis}"] or "nan") for axis in "xy"] for n in known])
        truth.append(box.to_crop(points, 256))
    return np.stack(crops), np.stack(truth), known, [POINTS.index(REAL.get(n, n)) for n in known]


def real_errors(net: Dense, folder: Path, labels: Path) -> tuple[np.ndarray, list[str]]:
    """Return errors [px@256] on a folder of labelled stills."""
    crops, truth, known, rank = real_crops(folder, labels)
    return np.linalg.norm(predict(net, crops).xy[:, rank] - truth, axis=-1), known


def save(tensors: dict[str, torch.Tensor], path: Path, notes: dict[str, str]) -> None:
    """Write tensors; a reader never sees half a file."""
    part = path.with_suffix(f".{os.getpid()}.part")
    save_file(tensors, part, notes)
    part.replace(path)


class Run:
    """One training run in its folder."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wishes = arguments
        self.folder = Path(arguments.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pool = ImagePool(Path(arguments.pool))
        self.shifted = ImagePool(Path(arguments.shifted)) if arguments.shifted else None
        n_points = self.pool.read(np.zeros(1, np.int64))[2].shape[1]
        net = build_tracker(n_points, width=arguments.width, seed=arguments.seed)
        if arguments.warm:
            net.load_state_dict(load_file(arguments.warm))
        self.fitter = Fitter(
            net,
            peak=arguments.rate,
            average=arguments.average,
            lanes=arguments.threads,
            is_half=arguments.half,
        )
        self.order = mirror_order(n_points, [])
        self.spent = 0.0
        self.losses: list[float] = []
        self.checkpoint = self.folder / "checkpoint.safetensors"
        if self.checkpoint.exists():
            self.fitter.restore(load_file(self.checkpoint))
            with safe_open(self.checkpoint, "pt") as file:
                self.spent = float(file.metadata()["spent"])
            self.say(f"goes on at step {self.fitter.steps}, after {self.spent / 60:.1f} min")

    def say(self, text: str) -> None:
        """Print a line and keep it in the log."""
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        if self.wishes.steps:
            return self.fitter.steps / self.wishes.steps
        return self.spent / (60 * self.wishes.minutes)

    def drawn_size(self) -> int:
        """Draw the size of a step's crops: faces of all sizes, and fur of all degrees of detail."""
        rng = np.random.default_rng([self.wishes.seed, self.fitter.steps])
        return int(rng.choice(self.wishes.sizes))

    def batch(self, size: int, lane: int) -> Batch:
        """Draw and augment one lane's part of the batch; depends on seed, step and lane only."""
        rng = np.random.default_rng([self.wishes.seed, self.fitter.steps, lane])
        n = self.wishes.batch // self.fitter.lanes
        image, xy, state = self.pool.read(rng.integers(0, len(self.pool), n))
        return augment(image, xy, state, rng, size=size, ranges=Augmentation(), order=self.order)

    def train(self) -> None:
        """Do all steps."""
        wishes = self.wishes
        coarse = wishes.coarse if wishes.coarse is not None else (2 / 3 if wishes.steps else 0.4)
        last_save = last_look = time.monotonic()
        interval_steps, interval_cpu = self.fitter.steps, time.process_time()
        while self.progress < 1:
            begin = time.monotonic()
            size = wishes.sizes[0] if self.progress < coarse else self.drawn_size()
            self.losses.append(self.fitter.step(partial(self.batch, size), self.progress))
            if not np.isfinite(self.losses[-1]):
                raise FloatingPointError(f"loss is {self.losses[-1]} at step {self.fitter.steps}")
            now = time.monotonic()
            self.spent += min(now - begin, LONGEST_STEP)
            if now - last_save > wishes.save_every or self.progress >= 1:
                self.store()
                last_save = now
            if now - last_look > wishes.look_every or self.progress >= 1:
                n = max(self.fitter.steps - interval_steps, 1)
                cost = (time.process_time() - interval_cpu) / n / wishes.batch * 1e3
                self.say(
                    f"step {self.fitter.steps} ({100 * self.progress:.1f} %) size {size} "
                    f"pool {len(self.pool)} "
                    f"loss {np.mean(self.losses[-n:]):.3f} {cost:.1f} CPU-ms/image {self.spent / 60:.1f} min"
                )
                self.look()
                self.pool.refresh()
                last_look = time.monotonic()
                interval_steps, interval_cpu = self.fitter.steps, time.process_time()
        self.fitter.close()

    def store(self) -> None:
        """Write checkpoint and averaged weights."""
        notes = {"spent": f"{self.spent:.1f}", "steps": str(self.fitter.steps)}
        save(self.fitter.tensors(), self.checkpoint, notes)
        notes |= {
            "width": str(self.wishes.width),
            "points": json.dumps(POINTS),
            "images": str(len(self.pool)),
            "seed": str(self.wishes.seed),
        }
        weights = {name: v.contiguous() for name, v in self.fitter.averaged().state_dict().items()}
        save(weights, self.folder / "weights.safetensors", notes)

    def look(self) -> None:
        """Log the errors of the averaged weights."""
        net = self.fitter.averaged()
        if self.shifted:
            error = shifted_errors(net, self.shifted, self.wishes.shifted_count)
            self.say(f"  shifted {figures(error)} | {per_point(error, POINTS)}")
        if self.wishes.evaluate:
            error, names = real_errors(net, *map(Path, self.wishes.evaluate))
            self.say(f"  real    {figures(error)} | {per_point(error, names)}")


def main(argv: list[str] | None = None) -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("render", help="render the missing parts of a pool")
    command.set_defaults(work=render)
    command.add_argument("pool")
    command.add_argument("--count", type=int, default=100_000)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--workers", type=int, default=2)
    command.add_argument("--ranges", default="", help="named ranges of the renderer, such as 'shifted'")
    command = commands.add_parser("train", help="train on a pool, also while it still grows")
    command.set_defaults(work=lambda arguments: Run(arguments).train())
    command.add_argument("pool")
    command.add_argument("--out", required=True)
    command.add_argument("--shifted", default="", help="pool of the shifted set")
    command.add_argument("--shifted-count", type=int, default=500)
    command.add_argument("--evaluate", nargs=2, metavar=("FOLDER", "LABELS"))
    command.add_argument("--warm", default="", help="start from these weights")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=0)
    length.add_argument("--minutes", type=float, default=90.0, help="time of training, without looks")
    command.add_argument(
        "--coarse", type=float, help="share at the first size alone (2/3 of steps, 0.4 of minutes)"
    )
    command.add_argument(
        "--sizes", type=int, nargs="+", default=(128, 192, 256), help="crops [px]: first alone, then mixed"
    )
    command.add_argument("--batch", type=int, default=32)
    command.add_argument("--rate", type=float, default=3e-3)
    command.add_argument("--average", type=float, default=0.998)
    command.add_argument("--width", type=float, default=1.0)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--half", action=argparse.BooleanOptionalAction, default=True, help="bfloat16 trunk")
    command.add_argument("--save-every", type=float, default=120.0, help="seconds")
    command.add_argument("--look-every", type=float, default=300.0, help="seconds")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)  # lanes work side by side; threads inside of operations only wait for each other
    arguments.work(arguments)


if __name__ == "__main__":
    main()
