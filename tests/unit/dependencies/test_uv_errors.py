"""uv's errors, explained. The texts are those of uv itself, framed as before and plain as since release 0.13."""
# ruff: noqa: E501, RUF001  (its lines and signs)

import pytest

from fairing_kfp.dependencies.uv_errors import error_from, warnings_in

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
        (REFUSED, "the package index denies access", "uv auth login"),
        (FULL, "the disk is full", "UV_CACHE_DIR"),
        (OFFLINE, "uv runs offline", "UV_OFFLINE"),
        (ELSEWHERE, "ant has no wheel for it", "UV_FIND_LINKS"),
        ("error: something new\n", "uv failed", "RUST_LOG"),
    ],
)
def test_failures_have_a_meaning_and_a_remedy(words, meaning, remedy):
    error = error_from(words, FITS)
    assert error.message.startswith(f"packages for {FITS}: {meaning}")
    assert remedy in error.remedy


def test_explanation_is_one_line():
    assert error_from(FRAMED, FITS).message.splitlines()[1] == (
        "  uv: Because num2words==0.5.12 depends on docopt>=0.6.2 and docopt==0.6.2 has no usable wheels, "
        "we can conclude that num2words==0.5.12 cannot be used. And because you require num2words==0.5.12."
    )


def test_long_explanation_is_truncated():
    assert len(error_from("error: " + "because " * 1000, FITS).message) < 1700


def test_credentials_are_never_shown():
    message = str(error_from(REFUSED, FITS))
    assert "someone" not in message
    assert "sh@" not in message
    assert "http://***@127.0.0.1:8911/simple" in message


@pytest.mark.parametrize(
    ("pin", "remedies"),
    [
        ("torch==2.6.0+cu126", ["UV_TORCH_BACKEND=cu126", "UV_INDEX=https://download.pytorch.org/whl/cu126"]),
        ("torchvision==0.21.0+cpu", ["UV_TORCH_BACKEND=cpu", "/whl/cpu"]),
        ("torch==2.6.0+rocm6.2.4", ["UV_TORCH_BACKEND=rocm6.2.4"]),
        ("jaxlib==0.4.30+cuda12.cudnn91", ["the index of those who build versions with a local part", "UV_INDEX"]),
    ],
)
def test_local_versions_are_answered_with_the_index_to_name(pin: str, remedies: list[str]) -> None:
    error = error_from(
        "error: No solution found when resolving dependencies\n"
        f"  cause: Because there is no version of {pin} and you require {pin}, we can conclude that your requirements "
        "are unsatisfiable.\n",
        FITS,
    )
    assert f"the package index has no {pin}\n" in error.message
    assert [one for one in remedies if one not in error.remedy] == []


def test_warnings() -> None:
    text = (
        "Resolved 2 packages in 52ms\n"
        "warning: The requested Python version 3.12 is not available; 3.11.7 will be used to build instead.\n"
        'warning: `ant==1.0` is yanked (reason: "broken")\n'
        "warning: The package `bee==1.0` does not have an extra named `x`, from\n"
        "  http://me:hu@sh@127.0.0.1/simple\n"
    )
    assert warnings_in(text) == [
        '`ant==1.0` is yanked (reason: "broken")',
        "The package `bee==1.0` does not have an extra named `x`, from http://***@127.0.0.1/simple",
    ]
