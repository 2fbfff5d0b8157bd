"""Files of any origin as batches of records, in bounded memory.

What a record means is the adapters' business: here a record is a JSON object, a line of a table
or a text, with the place where it stands. What cannot be read is told record by record.
"""

from xpoll_dagster.corpus.reading.batches import Batch, Flaw, ReadingOptions
from xpoll_dagster.corpus.reading.files import read_file

__all__ = ["Batch", "Flaw", "ReadingOptions", "read_file"]
