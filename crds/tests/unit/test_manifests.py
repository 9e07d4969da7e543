from typing import Any

from aviary_crds.manifests import check_manifest


def test_models_refuse_with_words_a_person_can_act_on(refused_manifest: dict[str, Any], model_says: list[str]) -> None:
    told = "\n".join(str(fault) for fault in check_manifest(refused_manifest, source="bot.yaml"))
    assert told, "the model took it"
    assert [words for words in model_says if words not in told] == [], told
