"""The bits of flags: what files hold is never renumbered."""

from mystax.core.point_flags import FLAG_MASKS, FLAGS3D, flag_attributes


def test_bits_are_those_of_the_format_and_their_names_stand_in_order() -> None:
    assert list(FLAG_MASKS.values()) == [1, 2, 4, 8, 16, 32, 64, 128]
    attributes = flag_attributes(FLAG_MASKS)
    assert attributes["flag_meanings"].split() == list(FLAG_MASKS)
    assert attributes["flag_masks"].tolist() == list(FLAG_MASKS.values())
    assert attributes["flag_masks"].dtype == "uint8"


def test_bits_in_space_are_those_of_the_format() -> None:
    assert list(FLAGS3D.values()) == [1, 2, 4, 8, 16, 32, 64]
