"""Sample requests."""

from __future__ import annotations

import pytest

from fairing_kfp.errors import ServingError
from fairing_kfp.serving.sample import body_of, send_sample, url_of


def test_the_form_of_a_request_determines_the_protocol() -> None:
    assert url_of("http://a", "m", [[1]]) == "http://a/v1/models/m:predict"
    assert url_of("http://a", "m", {"instances": [1]}) == "http://a/v1/models/m:predict"
    assert url_of("http://a", "m", {"inputs": []}) == "http://a/v2/models/m/infer"
    assert body_of([[1]]) == '{"instances": [[1]]}'
    assert body_of({"x": 1}) == '{"x": 1}'


def test_a_server_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(ServingError, match=r"sample request to http://127\.0\.0\.1:1/"):
        send_sample("http://127.0.0.1:1", "m", [1], timeout=0.3)
