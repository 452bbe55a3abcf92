"""What is committed runs anywhere: it names no folder of one machine and no host that packages come from."""

import re

from tests.tidy.tree import Spot, files, is_excused, lines_of

# Written with brackets, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|Users|home/[a-z]+)/|\b[C]:\\")
PACKAGE_HOSTS = re.compile(
    r"pypi[.]org|pythonhosted[.]org|repo1?[.]maven|maven[.]apache[.]org|maven[.]org|npmjs[.]|crates[.]io|anaconda[.]org"
    r"|deb[.]debian|archive[.]ubuntu|proxy[.]golang"
)


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{Spot(path, number)}: {line.strip()[:100]}"
        for path in files()
        for number, line in enumerate(lines_of(path), start=1)
        if pattern.search(line) and not is_excused(path, number)
    ]


def test_no_file_names_a_folder_of_one_machine() -> None:
    """No committed line holds an absolute path of somebody's machine."""
    found = _lines_with(MACHINE_PATHS)
    assert not found, "\n".join(found)


def test_no_file_names_a_host_of_packages() -> None:
    """Where packages come from is the choice of whoever installs them, never of a committed file."""
    found = _lines_with(PACKAGE_HOSTS)
    assert not found, "\n".join(found)
