"""Tests of `mystax.compute.kernels`: what is loaded on the way to a first kernel, and what stays possible."""

import subprocess
import sys

import pytest


def loaded(code: str) -> str:
    """Run code in a clean interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_kernels_load_neither_scipy_linalg_nor_coverage() -> None:
    code = (
        "import sys, numpy as np\n"
        "from mystax.compute.kernels.blink import dark_sums\n"
        "dark_sums.targetctx.refresh()\n"
        "print(*[name for name in ('scipy.linalg', 'coverage') if name in sys.modules])"
    )
    assert loaded(code) == ""


def test_coverage_can_be_loaded_behind_the_kernels() -> None:
    assert loaded("import mystax.compute.kernels, coverage; print(coverage.__name__)") == "coverage"


def test_numba_asks_again_for_its_matrix_products() -> None:
    code = (
        "import mystax.compute.kernels, numba.np.arraymath as functions, numba.np.linalg as algebra\n"
        "functions.ensure_blas()\n"
        "import sys\n"
        "print(functions.ensure_blas is algebra.ensure_blas, 'scipy.linalg' in sys.modules)"
    )
    assert loaded(code) == "True True"


@pytest.mark.slow
def test_matrix_products_and_covariances_can_still_be_compiled() -> None:
    code = (
        "import mystax.compute.kernels, numba, numpy as np\n"
        "both = numba.njit(lambda a: (np.dot(a, a), np.cov(a)))\n"
        "a = np.array([[1.0, 2.0], [3.0, 5.0]])\n"
        "product, covariance = both(a)\n"
        "print(np.allclose(product, a @ a), np.allclose(covariance, np.cov(a)))"
    )
    assert loaded(code) == "True True"
