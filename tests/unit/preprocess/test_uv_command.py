"""What uv says, in our words. The texts are those of uv itself, framed as before and plain as since release 0.13."""
# ruff: noqa: E501, RUF001  (its lines and signs)

import pytest

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess import uv_command

FITS = "Python 3.12 on linux/amd64 (manylinux_2_28)"
FRAMED = """\
warning: The requested Python version 3.12 is not available; 3.11.7 will be used to build dependencies instead.
  × No solution found when resolving dependencies:
  ╰─▶ Because num2words==0.5.12 depends on docopt>=0.6.2 and docopt==0.6.2 has no
      usable wheels, we can conclude that num2words==0.5.12 cannot be used.
      And because you require num2words==0.5.12, we can conclude that your requirements are unsatisfiable.

      hint: Wheels are required for `docopt` because building from source is disabled for all packages (i.e., with `--no-build`)
"""
REFUSED = """\
error: No solution found when resolving dependencies
  cause: Because six was not found in the package registry and you require six, we can conclude that your requirements are unsatisfiable.

hint: An index URL (http://someone:hu@sh@127.0.0.1:8911/simple) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)
"""
FULL = """\
Resolved 6 packages in 52ms
error: Failed to install: numpy-2.5.5-cp312-cp312-manylinux_2_28_x86_64.whl (numpy==2.5.5)
  cause: Failed to copy to `t/numpy.libs/libscipy_openblas64_.so`
  cause: failed to copy file from a.so to b.so: No space left on device (os error 28)
"""
OFFLINE = """\
error: No solution found when resolving dependencies
  cause: Because wcwidth was not found in the cache and you require wcwidth, we can conclude that your requirements are unsatisfiable.

hint: Packages were unavailable because the network was disabled. When the network is disabled, registry packages may only be read from the cache.
"""

ELSEWHERE = """\
error: No solution found when resolving dependencies
  cause: Because ant==1.0 depends on Python>=3.13 and ant==0.9 has no usable wheels, we can conclude that all versions of ant cannot be used.
"""


@pytest.mark.parametrize(
    ("words", "meaning", "remedy"),
    [
        (FRAMED, "docopt has no wheel for it, only a source distribution", "UV_FIND_LINKS"),
        (REFUSED, "the package index refuses access", "uv auth login"),
        (FULL, "the disk is full", "UV_CACHE_DIR"),
        (OFFLINE, "uv is told to stay offline", "UV_OFFLINE"),
        (ELSEWHERE, "ant has no wheel for it", "UV_FIND_LINKS"),
        ("error: something new\n", "uv failed", "RUST_LOG"),
    ],
)
def test_each_failure_has_a_meaning_and_a_remedy(words, meaning, remedy):
    error = uv_command.explain(words, FITS)
    assert error.message.startswith(f"packages for {FITS}: {meaning}")
    assert remedy in error.remedy


def test_the_explanation_is_one_line_without_frames_and_known_things():
    assert uv_command.explain(FRAMED, FITS).message.splitlines()[1] == (
        "  uv: Because num2words==0.5.12 depends on docopt>=0.6.2 and docopt==0.6.2 has no usable wheels, "
        "we can conclude that num2words==0.5.12 cannot be used. And because you require num2words==0.5.12."
    )


def test_a_long_explanation_is_cut():
    assert len(uv_command.explain("error: " + "because " * 1000, FITS).message) < 1700


def test_credentials_are_never_shown():
    message = str(uv_command.explain(REFUSED, FITS))
    assert "someone" not in message
    assert "sh@" not in message
    assert "http://***@127.0.0.1:8911/simple" in message


def test_uv_that_is_missing(monkeypatch):
    def nowhere():
        raise FileNotFoundError("could not find uv in any of:\n - /somewhere")

    monkeypatch.setattr("uv.find_uv_bin", nowhere)
    with pytest.raises(DependencyError, match=r"uv cannot be started: could not find uv in any of:\n.*pip install uv"):
        uv_command.run("compile", (), "", FITS)
