"""What holds for all three images: no rights, no writing, no traces, every file as its publisher made it."""

import re

from images.tests.component.built_image import BuiltImage, build, probe, run_inside

OWN_PACKAGES = {
    "bot": ["aviary_bot", "aviary_crds", "aviary_fillsim"],
    "operator": ["aviary_crds", "aviary_operator"],
    "services": ["aviary_crds", "aviary_fillsim", "aviary_services"],
}


def part(image: BuiltImage) -> str:
    return re.sub(r"^aviary\.local/([a-z]+):.*", r"\1", image.reference)


def test_process_has_no_rights_and_can_write_nowhere(image: BuiltImage) -> None:
    document = probe(image, "interpreter")
    assert (document["user"], document["group"]) == (65534, 65534)
    assert set(document["writing_fails_with"].values()) <= {"EROFS", "EACCES"}
    assert document["writing_fails_with"]["/opt/aviary"] in {"EROFS", "EACCES"}


def test_interpreter_starts_bare(image: BuiltImage) -> None:
    document = probe(image, "interpreter")
    assert document["version"] == [3, 12]
    assert document["pth_files"] == []
    loaded = {name.partition(".")[0] for name in document["modules_at_start"]}
    assert not loaded & {"pip", "setuptools", "sitecustomize", "usercustomize", *OWN_PACKAGES[part(image)]}


def test_image_trusts_debians_authorities_and_no_other(image: BuiltImage) -> None:
    document = probe(image, "interpreter")
    assert document["authorities"] > 100
    assert document["foreign_authorities"] == 0


def test_nothing_of_the_build_is_left(image: BuiltImage) -> None:
    assert probe(image, "interpreter")["left_by_the_build"] == []


def test_every_installed_file_is_as_its_wheel_says(image: BuiltImage) -> None:
    records = probe(image, "files")["records"]
    assert records["same"] > 500
    assert records["different"] == []


def test_our_code_is_there_and_compiled(image: BuiltImage) -> None:
    document = probe(image, "files")
    assert document["own_packages"] == OWN_PACKAGES[part(image)]
    assert document["without_bytecode"] == []


def test_our_packages_import_from_the_image(image: BuiltImage) -> None:
    own = OWN_PACKAGES[part(image)]
    run = run_inside(image, "python3", "-c", f"import {', '.join(own)}; print({own[0]}.__file__)")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("/opt/aviary/")


def test_building_again_changes_nothing(image: BuiltImage) -> None:
    assert build(part(image)) == build(part(image))
