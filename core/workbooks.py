"""The cells of a workbook that somebody brings, as texts.

Run as a program it does the work, from standard input to standard output: a few kilobytes can unpack to any size, or say that
their last cell is the sheet's last one, so that they are read by a process of its own, which has little memory and little time.
"""

import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

_SECONDS = 30
_MEMORY = 1_000_000_000
#: Beyond so many digits a spreadsheet's number is rounded.
_EXACT_BELOW = 10**15

#: How the program says what is wrong.
_READ, _BROKEN, _LOCKED, _TOO_LARGE = 0, 3, 4, 5
_SAID = 200


class Unreadable(ValueError):
    """It is no workbook that can be read."""


class Locked(ValueError):
    """It has a password."""


class TooLarge(ValueError):
    """It has more cells than were asked for, or takes more memory or time than there is for it."""


def sheets(content: bytes, *, most_rows: int, most_cells: int) -> Iterator[list[list[str]]]:
    """Each sheet's rows, at most ``most_rows`` of them, from the first row and column on. ``most_cells``: of a sheet, with the
    empty ones between them. Raises ``Unreadable``, ``Locked`` or ``TooLarge``.
    """
    command = [sys.executable, "-I", __file__, str(most_rows), str(most_cells)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin
        assert program.stdout
        assert program.stderr
        try:
            # It reads all of it before it says anything. Where it has ended meanwhile, it says why.
            with suppress(BrokenPipeError), program.stdin:
                program.stdin.write(content)
            for line in program.stdout:
                yield json.loads(line)
            said = program.stderr.read(_SAID).decode(errors="replace").strip()
            ended = program.wait()
        finally:
            # Of a workbook whose first sheet was enough nobody reads the rest.
            program.kill()
    if ended == _BROKEN:
        raise Unreadable(said)
    if ended == _LOCKED:
        raise Locked("it has a password")
    if ended != _READ:
        # Where the reader has no memory left it breaks off without a word.
        raise TooLarge("it has too many cells, or takes more memory or time than there is for it")


def _read(content: bytes, *, most_rows: int, most_cells: int) -> Iterator[list[list[str]]]:
    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            last_row, last_column = sheet.end or (0, 0)
            if min(last_row + 1, most_rows) * (last_column + 1) > most_cells:
                raise TooLarge
            rows = sheet.to_python(skip_empty_area=False, nrows=most_rows)
            yield [[_text(value) for value in row] for row in rows]


def _text(value: object) -> str:
    """A cell as the spreadsheet shows it. Numbers of more digits than it keeps are shown as rounded as they are."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) >= _EXACT_BELOW:
            return f"{value:.14E}"
        return str(int(value)) if value == int(value) else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most_rows, most_cells = map(int, sys.argv[1:3])
    try:
        for sheet in _read(sys.stdin.buffer.read(), most_rows=most_rows, most_cells=most_cells):
            sys.stdout.write(f"{json.dumps(sheet)}\n")
            sys.stdout.flush()
    except PasswordError:
        return _LOCKED
    except CalamineError as error:
        sys.stderr.write(str(error))
        return _BROKEN
    except (TooLarge, MemoryError):
        return _TOO_LARGE
    return _READ


if __name__ == "__main__":
    sys.exit(main())
