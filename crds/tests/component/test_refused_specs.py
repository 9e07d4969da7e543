import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException


def test_api_server_refuses_with_words_a_person_can_act_on(
    refused_manifest: dict[str, Any], server_says: list[str], create: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(ApiException) as caught:
        create(refused_manifest, dry_run=True)
    assert caught.value.status in {400, 422}
    told = json.loads(caught.value.body or "{}")["message"]
    assert [words for words in server_says if words not in told] == [], told
