"""NWB files out and in; pynwb is imported only when a file is written."""
