import pytest

from images.tests.component.built_image import BuiltImage, build


@pytest.fixture(scope="session", params=["bot", "operator", "services"])
def image(request: pytest.FixtureRequest) -> BuiltImage:
    """Each of the three images in turn."""
    return build(str(request.param))


@pytest.fixture(scope="session")
def bot_image() -> BuiltImage:
    return build("bot")


@pytest.fixture(scope="session")
def operator_image() -> BuiltImage:
    return build("operator")
