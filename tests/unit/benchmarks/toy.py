"""A claim that measures nothing, for the tests of the harness."""

from typing import Any


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    return {"absent": job["absent"]} if "absent" in job else {}


def side(job: dict[str, Any]) -> dict[str, Any]:
    return {"n": job["n"], "unit": "frame"}


def dies(_: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError("it died")


def check(job: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "seen": sorted(job["last"])}
