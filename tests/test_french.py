"""Numbers and sentences as French readers write them."""

import os
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from fragilite.french import paragraph

WORDS = st.lists(st.sampled_from(["« a »", "90 %", "pourquoi ?", "ainsi : oui", "commune"]))


@given(WORDS, st.integers(20, 60))
def test_no_line_begins_with_a_mark(words, width):
    """Nor ends with the opening quotation mark."""
    with mock.patch.dict(os.environ, {"COLUMNS": str(width)}):
        lines = paragraph(" ".join(words), "  ").split("\n")
    assert " ".join(line.strip() for line in lines) == " ".join(words)
    for line in lines:
        assert line.strip()[:1] not in set("»:;?!%")
        assert not line.endswith("«")
        assert len(line) <= width
