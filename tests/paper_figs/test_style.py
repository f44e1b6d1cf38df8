"""One look, the same in every figure, whatever the machine."""

import matplotlib
import pytest

from paper_figs import style


def test_no_two_methods_share_a_colour_or_a_marker() -> None:
    looks = [look for name, look in style.LOOKS.items() if name not in ("joint", "uniform-ht")]
    assert style.look("joint").colour == style.look("sgd").colour
    assert style.look("uniform-ht") == style.look("uniform")
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)


def test_a_method_without_a_look_is_named_with_close_ones() -> None:
    with pytest.raises(KeyError, match="no look for method 'ams'; did you mean 'amss'"):
        style.look("ams")


def test_the_look_leaves_the_settings_of_the_machine_alone() -> None:
    with matplotlib.rc_context({"font.size": 31, "text.usetex": True}):
        with style.applied():
            assert matplotlib.rcParams["font.size"] == 8
            assert matplotlib.rcParams["text.usetex"] is False
        assert matplotlib.rcParams["font.size"] == 31
