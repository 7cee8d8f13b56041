"""The 15 tables of the catalogue.

Times are seconds since 1970 (UTC) by the clock of the database; JSON columns hold objects; names are
kept as they are.  The catalogue is a cache of the outcome files: no array ever enters it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "SCHEMA",
    "attempt",
    "camera",
    "driver",
    "flag",
    "job",
    "job_need",
    "meta",
    "metadata",
    "model",
    "outcome",
    "recipe",
    "recording",
    "root",
    "side_file",
    "subject",
    "video",
]

SCHEMA = 1
"""Number of the present schema; each one is a revision of `migrations`."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _to(table: str, name: str = "", *, null: bool = False) -> Column[int]:
    """Make a column that points to the row of another table, and goes with it."""
    target = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Column(name or f"{table}_id", Integer, target, nullable=null)


def _text(name: str, *, null: bool = False) -> Column[str]:
    """Make a column of texts; empty where nothing is known, unless it may be null."""
    return (
        Column(name, Text, nullable=True) if null else Column(name, Text, nullable=False, server_default="")
    )


def _json(name: str, *, empty: str = "{}") -> Column[object]:
    return Column(name, JSON, nullable=False, server_default=text(f"'{empty}'"))


def _whole(name: str, default: int | None = None) -> Column[int]:
    """Make a column of whole numbers; null where nothing is known, unless there is a default."""
    if default is None:
        return Column(name, BigInteger, nullable=True)
    return Column(name, BigInteger, nullable=False, server_default=text(str(default)))


def _real(name: str) -> Column[float]:
    return Column(name, Double, nullable=True)


def _yes_no(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _one_of(column: str, words: str) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words.split())
    return CheckConstraint(f"{column} IN ({listed})", name=column)


meta = Table("meta", metadata, Column("key", Text, primary_key=True), _text("value"))

root = Table(
    "root",
    metadata,
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False, server_default="*"),
    Column("path", Text, nullable=False),
    PrimaryKeyConstraint("name", "host"),
)

subject = Table(
    "subject",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    _text("species"),
    _text("sex"),
    _text("birth"),
    _json("meta"),
)

recording = Table(
    "recording",
    metadata,
    _id(),
    Column("folder", Text, nullable=False, unique=True),
    _text("project"),
    Column("subject_id", Integer, ForeignKey("subject.id"), nullable=True),
    _text("session"),
    _text("run"),
    _real("start"),
    Column("quality", Text, nullable=False, server_default="unchecked"),
    _text("note"),
    _json("meta"),
    _real("added"),
    UniqueConstraint("project", "subject_id", "session", "run"),
    _one_of("quality", "unchecked good warned bad"),
)

camera = Table(
    "camera",
    metadata,
    _id(),
    _to("recording"),
    Column("name", Text, nullable=False),
    _text("view"),
    _text("serial"),
    _json("clock"),
    _json("clock_report"),
    UniqueConstraint("recording_id", "name"),
)

video = Table(
    "video",
    metadata,
    _id(),
    _to("camera"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("root", Text, nullable=False),
    Column("path", Text, nullable=False),
    _whole("size"),
    _whole("mtime_ns"),
    _text("quick_id"),
    _text("index_id"),
    _text("full_hash"),
    _text("container"),
    _text("codec"),
    _text("pixel_format"),
    _whole("bits"),
    _whole("width"),
    _whole("height"),
    _whole("rotation"),
    _text("color_range"),
    _whole("n_frames"),
    _whole("n_frames_header"),
    _text("route"),
    _text("rate", null=True),
    _text("clock_kind"),
    _real("interval_min"),
    _real("interval_median"),
    _real("interval_max"),
    _whole("n_gaps"),
    _real("first_time"),
    _real("last_time"),
    _json("probe"),
    UniqueConstraint("root", "path"),
    Index("ix_video_quick_id", "quick_id"),
    Index("ix_video_camera_id", "camera_id"),
)

side_file = Table(
    "side_file",
    metadata,
    _id(),
    _to("recording"),
    _to("camera", null=True),
    Column("role", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("path", Text, nullable=False),
    _whole("size"),
    _whole("mtime_ns"),
    _text("quick_id"),
    _json("spec"),
    _one_of("role", "clock neural calibration rois labels events"),
    Index("ix_side_file_recording_id", "recording_id"),
)

model = Table(
    "model",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _text("keypoint_set"),
    Column("weights_hash", Text, nullable=False, unique=True),
    _text("root"),
    _text("path"),
    _json("card"),
    _yes_no("is_default"),
    _one_of("kind", "pose states encoder"),
)

recipe = Table(
    "recipe",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("text", Text, nullable=False),
    _real("created"),
    UniqueConstraint("name", "hash"),
)

driver = Table(
    "driver",
    metadata,
    Column("id", Text, primary_key=True),
    _text("host"),
    _text("boot_id"),
    _whole("pid"),
    _real("pid_started"),
    _text("user"),
    _text("version"),
    _text("engine"),
    _real("started"),
    _real("seen"),
    _real("ended"),
)

job = Table(
    "job",
    metadata,
    _id(),
    Column("plan_key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    _to("recording", null=True),
    _json("targets"),
    Column("recipe_id", Integer, ForeignKey("recipe.id"), nullable=True),
    _json("wanted", empty="[]"),
    _json("resources"),
    Column("state", Text, nullable=False, server_default="waiting"),
    _text("reason"),
    _whole("priority", 0),
    _whole("attempt", 0),
    _whole("strikes", 0),
    _whole("retries", 0),
    Column("driver_id", Text, ForeignKey("driver.id"), nullable=True),
    _text("token", null=True),
    _whole("beat", 0),
    _real("beat_at"),
    _real("not_before"),
    _whole("done", 0),
    _whole("total", 0),
    _text("unit"),
    _real("rate"),
    _yes_no("cancel_requested"),
    _json("error"),
    _real("created"),
    _real("started"),
    _real("finished"),
    _one_of("kind", "pass outcome report train hash"),
    _one_of("state", "waiting queued running done failed cancelled"),
    Index("ix_job_state_priority_id", "state", "priority", "id"),
    Index("ix_job_driver_id", "driver_id"),
    Index("ix_job_recording_id", "recording_id"),
)

job_need = Table(
    "job_need",
    metadata,
    _to("job"),
    _to("job", "needs_id"),
    PrimaryKeyConstraint("job_id", "needs_id"),
    Index("ix_job_need_needs_id", "needs_id"),
)

attempt = Table(
    "attempt",
    metadata,
    _to("job"),
    Column("number", Integer, nullable=False),
    Column("token", Text, nullable=False),
    _text("driver_id"),
    _text("worker"),
    _text("host"),
    _real("started"),
    _real("ended"),
    _text("ending", null=True),
    _json("error"),
    _text("signal"),
    _whole("peak_memory"),
    _whole("frame_from"),
    _whole("frame_to"),
    _text("log"),
    PrimaryKeyConstraint("job_id", "number"),
    _one_of("ending", "done adopted yielded lost failed cancelled"),
)

outcome = Table(
    "outcome",
    metadata,
    _id(),
    Column("job_id", Integer, ForeignKey("job.id", ondelete="SET NULL"), nullable=True),
    _to("recording", null=True),
    Column("recipe_id", Integer, ForeignKey("recipe.id"), nullable=True),
    Column("analysis", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("path", Text, nullable=False, unique=True),
    _whole("bytes"),
    _text("sha256"),
    _text("content_sha256"),
    _real("coverage"),
    _json("quality", empty="[]"),
    _json("summary"),
    Column("state", Text, nullable=False, server_default="current"),
    _real("created"),
    _one_of("state", "current superseded missing damaged"),
    Index("ix_outcome_recording_id_analysis", "recording_id", "analysis"),
    Index("ix_outcome_key", "key"),
)

flag = Table(
    "flag",
    metadata,
    _id(),
    _to("recording", null=True),
    _to("camera", null=True),
    _to("video", null=True),
    _to("outcome", null=True),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    _json("detail"),
    _real("created"),
    _text("accepted_by", null=True),
    _real("accepted_at"),
    _one_of("severity", "note warning error"),
    Index("ix_flag_recording_id", "recording_id"),
)
