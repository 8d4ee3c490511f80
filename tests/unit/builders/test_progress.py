from __future__ import annotations

import io

from fairing_kfp.builders.progress import Transfer, with_progress


def test_reading_reports_progress_from_the_start_each_time() -> None:
    transfers: list[Transfer] = []
    open_blob = with_progress(lambda: io.BytesIO(b"12345"), Transfer("code", "sha256:1", 5), transfers.append)

    for _ in range(2):
        with open_blob() as file:
            assert [file.read(3), file.read(3), file.read(3)] == [b"123", b"45", b""]
    assert [transfer.done for transfer in transfers] == [3, 5, 5, 3, 5, 5]
