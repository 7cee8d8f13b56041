"""The keypoint network: crop, run, decode, train.  Only training needs torch."""
