"""Fixtures of the flow tests: `rig` is fresh for each test, `shared` serves all tests of a file that leave no mess."""
import pytest
import rig as parts


@pytest.fixture
def rig(tmp_path):
    r = parts.Rig(tmp_path)
    yield r
    r.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    r = parts.Rig(tmp_path_factory.mktemp("rig"))
    r.agent()
    yield r
    r.close()
