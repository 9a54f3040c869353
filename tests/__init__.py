"""`tests.support` is what test modules share; its assertions speak as theirs do."""

import pytest

pytest.register_assert_rewrite("tests.support")
