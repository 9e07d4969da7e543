"""The Prometheus image runs with the rights of a restricted pod, and answers."""

import pytest

from images.tests.component.built_image import BuiltImage, build, probe, run_inside


@pytest.fixture(scope="module")
def prometheus_image() -> BuiltImage:
    return build("prometheus")


def test_it_scrapes_and_answers_without_rights_and_with_one_writable_folder(prometheus_image: BuiltImage) -> None:
    document = probe(prometheus_image, "prometheus", writable=("/prometheus",))
    assert document["up"] == ["1"], document["log"]
    assert document["user"] == 65534
    assert document["exit_code"] == 0, document["log"]


def test_it_trusts_debians_authorities_and_nothing_of_the_build_is_left(prometheus_image: BuiltImage) -> None:
    document = probe(prometheus_image, "interpreter")
    assert document["foreign_authorities"] == 0
    assert document["left_by_the_build"] == []


@pytest.mark.parametrize("place", ["/package", "/usr/bin/prometheus", "/etc/prometheus"])
def test_the_package_itself_is_not_in_the_image(prometheus_image: BuiltImage, place: str) -> None:
    assert run_inside(prometheus_image, "test", "-e", place).returncode == 1


def test_its_licence_is_in_the_image(prometheus_image: BuiltImage) -> None:
    run = run_inside(prometheus_image, "cat", "/usr/share/doc/prometheus/copyright")
    assert "Apache-2.0" in run.stdout, run.stderr


def test_building_again_changes_nothing(prometheus_image: BuiltImage) -> None:
    assert build("prometheus") == prometheus_image
