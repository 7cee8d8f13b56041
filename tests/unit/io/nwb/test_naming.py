"""Names of NWB objects."""

import pytest

from mystax.io.nwb.naming import Names, clean


@pytest.mark.parametrize(
    ("text", "name"),
    [("left eye", "left-eye"), ("a/b", "a-b"), ("µm²", "-m-"), ("", "-"), ("x_1.b-c", "x_1.b-c")],
)
def test_characters_that_nwb_does_not_take_become_dashes(text: str, name: str) -> None:
    assert clean(text) == name


def test_empty_words_are_left_out_and_names_are_never_given_twice() -> None:
    names = Names()
    assert names.fresh("motion", "energy", "", "left eye") == "motion_energy_left-eye"
    assert names.fresh("motion", "energy", "left/eye") == "motion_energy_left-eye-2"


def test_names_of_containers_are_the_same_at_every_call() -> None:
    names = Names()
    assert names.once("motion") == names.once("motion") == "motion"
    assert names.fresh("motion") == "motion-2"
