"""Reads an ORC file in a process of its own and writes its rows to standard output as an Arrow stream.

The library for ORC is ended by some damaged files, and the scanner must not be. Run as
``python -m checks.scanner.columnar_orc_worker DESCRIPTOR``; it says by how it ends what went wrong.
"""

from __future__ import annotations

import resource
import sys
from importlib import import_module

UNREADABLE, BROKEN_OFF, SAME_NAMES = 3, 4, 5
"""How it ends if the file is no whole ORC file, the disk fails, or two columns have the same name."""
MEMORY = 2**33  # bytes of addresses: those of a damaged file may ask for any amount
_ROWS = 2**12  # at a time: ORC's own way to read is by whole stripes, which may expand without limit


def main(descriptor: int) -> int:
    """Write the rows of the file open as ``descriptor``; return how to end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pa, orc, dataset = map(import_module, ("pyarrow", "pyarrow.orc", "pyarrow.dataset"))
    try:
        with open(descriptor, "rb") as file:
            whole = orc.ORCFile(pa.PythonFile(file, mode="r"))
            schema = whole.schema.with_metadata(whole.metadata)
            if len(set(schema.names)) < len(schema.names):
                return SAME_NAMES
            left = whole.nrows
            fragment = dataset.OrcFileFormat().make_fragment(pa.PythonFile(file, mode="r"))
            scanner = fragment.scanner(
                batch_size=_ROWS, batch_readahead=0, fragment_readahead=0, use_threads=False
            )
            with pa.ipc.new_stream(pa.PythonFile(sys.stdout.buffer, mode="w"), schema) as writer:
                for batch in scanner.to_batches():
                    writer.write_batch(batch)
                    left -= batch.num_rows
            return UNREADABLE if left else 0
    except OSError as error:
        return UNREADABLE if error.errno is None else BROKEN_OFF
    except Exception:  # whatever a damaged file leads to; what it says may hold what was read
        return UNREADABLE


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
