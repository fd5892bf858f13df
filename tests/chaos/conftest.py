"""Chaos tests use the rig of the flow tests."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "flow"))


@pytest.fixture
def rig(tmp_path):
    import rig as parts

    r = parts.Rig(tmp_path)
    yield r
    r.close()
