from mystax.testing.battery import CHECKS as CHECKS
from mystax.testing.battery import check_analysis as check_analysis
from mystax.testing.bench import make_frames as make_frames
from mystax.testing.bench import measure as measure
from mystax.testing.bench import rois_for_test as rois_for_test

__all__ = ["CHECKS", "check_analysis", "make_frames", "measure", "rois_for_test"]
