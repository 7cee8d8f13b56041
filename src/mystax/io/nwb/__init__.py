"""NWB files out and in; pynwb is imported only when a file is written.

`write_nwb` maps outcomes to NWB objects, `read_outcomes` puts outcomes together again by the manifest, and
`read_behaviour` reads what other tools wrote.
"""
