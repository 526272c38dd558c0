"""What a training run leaves to read: `history.csv` and TensorBoard's event files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from cancernet.common.files import write_text


class TrainingLog:
    """Writes a row an epoch; a resumed run rewrites the rows it already had, so none is lost or doubled.

    Args:
        folder: made if absent; gets `history.csv` and `tensorboard/`.
        history: rows of epochs already done.
    """

    def __init__(self, folder: Path, history: list[dict[str, float]]) -> None:
        import tensorflow as tf

        self.folder = folder
        self.rows = list(history)
        self.writer = tf.summary.create_file_writer(str(folder / "tensorboard"))
        if self.rows:  # the run may have been stopped between its checkpoint and this file
            self._write()

    def add(self, row: dict[str, float]) -> None:
        """Record one epoch."""
        import tensorflow as tf

        self.rows.append(row)
        self._write()
        with self.writer.as_default(step=int(row["epoch"])):
            for name, value in row.items():
                if name != "epoch":
                    tf.summary.scalar(name, value)
        self.writer.flush()

    def _write(self) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(self.rows[0]))
        table.writeheader()
        table.writerows(self.rows)
        write_text(self.folder / "history.csv", text.getvalue())

    def close(self) -> None:
        """Close TensorBoard's file."""
        self.writer.close()
