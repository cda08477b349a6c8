"""docs/ingest-cases.md names tests: they are where it says."""

import re
from pathlib import Path

DOC = Path(__file__).parent.parent / "docs" / "ingest-cases.md"


def test_every_test_that_the_list_of_cases_names_stands_in_the_file_it_names():
    text = DOC.read_text(encoding="utf-8")
    named = re.findall(r"(tests/\w+\.py)(?:：((?:test_\w+、?)+))?", text)
    assert named
    for file, tests in named:
        source = (DOC.parent.parent / file).read_text(encoding="utf-8")
        lost = [test for test in filter(None, tests.split("、")) if f"def {test}(" not in source]
        assert not lost, file
