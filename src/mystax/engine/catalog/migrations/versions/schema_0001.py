"""Schema 1: the 15 tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _places_and_people()
    _recordings()
    _jobs()
    _outcomes()


def _places_and_people() -> None:
    """Make the tables that need no other."""
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("keypoint_set", sa.Text(), server_default="", nullable=False),
        sa.Column("weights_hash", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), server_default="", nullable=False),
        sa.Column("path", sa.Text(), server_default="", nullable=False),
        sa.Column("card", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("kind IN ('pose', 'states', 'encoder')", name=op.f("ck_model_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("weights_hash", name=op.f("uq_model_weights_hash")),
    )
    op.create_table(
        "recipe",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipe")),
        sa.UniqueConstraint("name", "hash", name=op.f("uq_recipe_name_hash")),
    )
    op.create_table(
        "root",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="*", nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "host", name=op.f("pk_root")),
    )
    op.create_table(
        "subject",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), server_default="", nullable=False),
        sa.Column("sex", sa.Text(), server_default="", nullable=False),
        sa.Column("birth", sa.Text(), server_default="", nullable=False),
        sa.Column("meta", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject")),
        sa.UniqueConstraint("name", name=op.f("uq_subject_name")),
    )


def _recordings() -> None:
    """Make recordings, cameras and files."""
    op.create_table(
        "recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), server_default="", nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("session", sa.Text(), server_default="", nullable=False),
        sa.Column("run", sa.Text(), server_default="", nullable=False),
        sa.Column("start", sa.Double(), nullable=True),
        sa.Column("quality", sa.Text(), server_default="unchecked", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("meta", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("added", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "quality IN ('unchecked', 'good', 'warned', 'bad')", name=op.f("ck_recording_quality")
        ),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name=op.f("fk_recording_subject_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("folder", name=op.f("uq_recording_folder")),
        sa.UniqueConstraint(
            "project",
            "subject_id",
            "session",
            "run",
            name=op.f("uq_recording_project_subject_id_session_run"),
        ),
    )
    op.create_table(
        "camera",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), server_default="", nullable=False),
        sa.Column("serial", sa.Text(), server_default="", nullable=False),
        sa.Column("clock", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("clock_report", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_camera_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera")),
        sa.UniqueConstraint("recording_id", "name", name=op.f("uq_camera_recording_id_name")),
    )
    op.create_table(
        "side_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("quick_id", sa.Text(), server_default="", nullable=False),
        sa.Column("spec", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "role IN ('clock', 'neural', 'calibration', 'rois', 'labels', 'events')",
            name=op.f("ck_side_file_role"),
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_side_file_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_side_file_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_file")),
    )
    op.create_index("ix_side_file_recording_id", "side_file", ["recording_id"], unique=False)
    op.create_table(
        "video",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("quick_id", sa.Text(), server_default="", nullable=False),
        sa.Column("index_id", sa.Text(), server_default="", nullable=False),
        sa.Column("full_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("container", sa.Text(), server_default="", nullable=False),
        sa.Column("codec", sa.Text(), server_default="", nullable=False),
        sa.Column("pixel_format", sa.Text(), server_default="", nullable=False),
        sa.Column("bits", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("rotation", sa.BigInteger(), nullable=True),
        sa.Column("color_range", sa.Text(), server_default="", nullable=False),
        sa.Column("n_frames", sa.BigInteger(), nullable=True),
        sa.Column("n_frames_header", sa.BigInteger(), nullable=True),
        sa.Column("route", sa.Text(), server_default="", nullable=False),
        sa.Column("rate", sa.Text(), nullable=True),
        sa.Column("clock_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("interval_min", sa.Double(), nullable=True),
        sa.Column("interval_median", sa.Double(), nullable=True),
        sa.Column("interval_max", sa.Double(), nullable=True),
        sa.Column("n_gaps", sa.BigInteger(), nullable=True),
        sa.Column("first_time", sa.Double(), nullable=True),
        sa.Column("last_time", sa.Double(), nullable=True),
        sa.Column("probe", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_video_camera_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video")),
        sa.UniqueConstraint("root", "path", name=op.f("uq_video_root_path")),
    )
    op.create_index("ix_video_camera_id", "video", ["camera_id"], unique=False)
    op.create_index("ix_video_quick_id", "video", ["quick_id"], unique=False)


def _jobs() -> None:
    """Make drivers, jobs and attempts."""
    op.create_table(
        "driver",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("boot_id", sa.Text(), server_default="", nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("pid_started", sa.Double(), nullable=True),
        sa.Column("user", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("engine", sa.Text(), server_default="", nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("seen", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("targets", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("wanted", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("resources", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("strikes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("retries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("driver_id", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("beat", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created", sa.Double(), nullable=True),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("finished", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('pass', 'outcome', 'report', 'train', 'hash')", name=op.f("ck_job_kind")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_job_state"),
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_job_driver_id")),
        sa.ForeignKeyConstraint(["recipe_id"], ["recipe.id"], name=op.f("fk_job_recipe_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_job_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("plan_key", name=op.f("uq_job_plan_key")),
    )
    op.create_index("ix_job_driver_id", "job", ["driver_id"], unique=False)
    op.create_index("ix_job_recording_id", "job", ["recording_id"], unique=False)
    op.create_index("ix_job_state_priority_id", "job", ["state", "priority", "id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.Text(), server_default="", nullable=False),
        sa.Column("worker", sa.Text(), server_default="", nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("error", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("signal", sa.Text(), server_default="", nullable=False),
        sa.Column("peak_memory", sa.BigInteger(), nullable=True),
        sa.Column("frame_from", sa.BigInteger(), nullable=True),
        sa.Column("frame_to", sa.BigInteger(), nullable=True),
        sa.Column("log", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "ending IN ('done', 'adopted', 'yielded', 'lost', 'failed', 'cancelled')",
            name=op.f("ck_attempt_ending"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_attempt_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "job_need",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("needs_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_need_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["needs_id"], ["job.id"], name=op.f("fk_job_need_needs_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "needs_id", name=op.f("pk_job_need")),
    )
    op.create_index("ix_job_need_needs_id", "job_need", ["needs_id"], unique=False)


def _outcomes() -> None:
    """Make outcomes and remarks."""
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("analysis", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("content_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("quality", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("summary", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default="current", nullable=False),
        sa.Column("created", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "state IN ('current', 'superseded', 'missing', 'damaged')", name=op.f("ck_outcome_state")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_outcome_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["recipe_id"], ["recipe.id"], name=op.f("fk_outcome_recipe_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_outcome_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("path", name=op.f("uq_outcome_path")),
    )
    op.create_index("ix_outcome_key", "outcome", ["key"], unique=False)
    op.create_index("ix_outcome_recording_id_analysis", "outcome", ["recording_id", "analysis"], unique=False)
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("camera_id", sa.Integer(), nullable=True),
        sa.Column("video_id", sa.Integer(), nullable=True),
        sa.Column("outcome_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created", sa.Double(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.Double(), nullable=True),
        sa.CheckConstraint("severity IN ('note', 'warning', 'error')", name=op.f("ck_flag_severity")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_flag_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"], ["outcome.id"], name=op.f("fk_flag_outcome_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_flag_recording_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_flag_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
    )
    op.create_index("ix_flag_recording_id", "flag", ["recording_id"], unique=False)
