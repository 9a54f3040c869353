"""`tests.support` and `devkit` are what test modules share; their assertions report as tests' own do."""

import pytest

pytest.register_assert_rewrite("tests.support", "devkit")
