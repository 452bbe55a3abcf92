"""The reader of the docs notices when a page is wrong: otherwise its silence would mean nothing."""

import os
from pathlib import Path

import pytest

from tests.docs.pages import PageError, read_blocks
from tests.docs.reader import Reader, Surroundings, Tally
from tests.docs.screens import is_as_shown
from tests.docs.shell import ScreenError

HERE = Surroundings({"PATH": os.environ["PATH"]}, {"kafka:9092": "127.0.0.1:1"}, {"agentbus dev": "up\nand ready\n"})


def _follow(folder: Path, text: str) -> Tally:
    tally = Tally()
    reader = Reader(folder, HERE, tally)
    try:
        reader.follow(read_blocks(text, "page.md"))
    finally:
        reader.close()
    return tally


def _console(*lines: str, above: str = "") -> str:
    return "\n".join([above, "", "```console", *lines, "```", ""])


@pytest.mark.parametrize(
    ("shown", "screen"),
    [
        (["a b"], "a    b\n"),
        (["token …"], "token 17\n"),
        (["first", "…", "last"], "first\nx\ny\nlast\n"),
        (["…", "last"], "last\n"),
        (["a"], "\na\n\n"),
        (["a.b"], "a.b\n"),
    ],
)
def test_a_screen_as_shown(shown: list[str], screen: str) -> None:
    """Wildcards stand for what changes, spaces count as one."""
    assert is_as_shown(shown, screen)


@pytest.mark.parametrize(
    ("shown", "screen"), [(["a"], "a\nb\n"), (["a", "b"], "a\n"), (["a.b"], "axb\n"), (["a …"], "b c\n"), (["a"], "")]
)
def test_a_screen_unlike_what_is_shown(shown: list[str], screen: str) -> None:
    """A line too many, too few or another one is noticed."""
    assert not is_as_shown(shown, screen)


@pytest.mark.parametrize(
    "text",
    [
        _console("$ echo one", "two"),
        _console("$ false"),
        _console("$ true  # exit code 3"),
        _console("$ echo kafka:9092", "127.0.0.1:1"),
        _console("$ agentbus dev", "down", above="<!-- in a terminal of its own -->"),
        _console("$ echo no; sleep 0.2", "yes", above="<!-- in a terminal of its own -->"),
        "```python\nraise SystemExit(1)\n```\n",
        "Save as `never.py`:\n\n```python\nprint(1)\n```\n",
        "```bash\necho hidden\n```\n",
        "```\n$ echo hidden\n```\n",
        "```java\nclass Nameless {}\n```\n",
    ],
)
def test_a_wrong_page_is_noticed(text: str, tmp_path: Path) -> None:
    """Another screen or exit code, a saved file nobody uses, a block that would escape: each is an error."""
    with pytest.raises((ScreenError, PageError)):
        _follow(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        _console("$ echo one", "one", "$ exit_code() { return 3; }; exit_code  # exit code 3"),
        _console("$ x=4", "$ echo $x", "4"),
        _console("$ echo a \\", "    b", "a b"),
        _console("$ echo kafka:9092", "kafka:9092"),
        _console("$ agentbus dev", "up", above="<!-- in a terminal of its own -->"),
        _console("$ echo yes; sleep 30", "yes", above="<!-- in a terminal of its own -->"),
        "Save as `one.txt`:\n\n```text\nhello\n```\n" + _console("$ cat one.txt", "hello"),
    ],
)
def test_a_right_page_passes(text: str, tmp_path: Path) -> None:
    """One shell for the page, continued lines, addresses as on the page, saved files, terminals of their own."""
    _follow(tmp_path, text)


def test_what_is_not_run_is_told_with_its_reason(tmp_path: Path) -> None:
    """A block that is left out, or whose tool is not here, is counted with the reason."""
    text = _console("$ false", above="<!-- not run: needs a printer -->")
    text += _console("$ false", above="<!-- needs: no-such-tool -->")
    text += _console("$ echo sorry; false", above="<!-- gives: luck -->")
    text += _console("$ false", above="<!-- needs: luck -->")
    assert [line.partition("(")[2] for line in _follow(tmp_path, text).not_run] == [
        "needs a printer)",
        "there is no no-such-tool here)",
        "echo sorry; false failed)",
        "luck is not here: sorry)",
    ]
