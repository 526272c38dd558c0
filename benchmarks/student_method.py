"""The method that students use on this data, as a reference: what it scores on new patients, and how long it takes.

Call it as `python benchmarks/student_method.py --data DIR --split-file CSV --weights FILE --out results/student`.

MobileNetV2 at 50 px fed pixels from 0 to 1, its first 100 layers frozen, Adam 1e-4, batches of 32, 5 epochs, class
weights, `ImageDataGenerator` over PNG files, and a random split of files: patients lie on both sides. The files
are those of the train and val patients of the split; the test patients are never in that random split, so the
scores on them are of new patients. Prints both: what such a script reports of itself (shuffled predictions against
ordered labels among it), and what is true.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from cancernet.common.provenance import ONEDNN

os.environ.pop(ONEDNN, None)  # TensorFlow as it comes: such a script sets no switch

import keras
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from tensorflow.keras.preprocessing.image import ImageDataGenerator

from cancernet.data.pack import default_cache_dir, pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation import evaluate
from cancernet.training.quiet import use_threads

SIDE, BATCH, EPOCHS, FROZEN, RATE = 50, 32, 5, 100, 1e-4


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--weights", required=True, help="file of ImageNet weights, or none for random ones")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/student"))
    return parser.parse_args()


def build(weights: str) -> keras.Model:
    """MobileNetV2 with the head such projects give it."""
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    if weights != "none":
        base.load_weights(weights)
    for layer in base.layers[:FROZEN]:
        layer.trainable = False
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(128, activation="relu")(x))
    model = keras.Model(base.input, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile(keras.optimizers.Adam(RATE), "binary_crossentropy", metrics=["accuracy"])
    return model


def flow(files: pd.DataFrame, root: Path, *, shuffle: bool, augment: bool) -> object:
    """A generator over PNG files, as its documentation shows it."""
    turned = {"rotation_range": 20, "horizontal_flip": True, "vertical_flip": True} if augment else {}
    return ImageDataGenerator(rescale=1 / 255, **turned).flow_from_dataframe(
        files.assign(label=files["label"].astype(str)),
        directory=str(root),
        x_col="path",
        y_col="label",
        target_size=(SIDE, SIDE),
        class_mode="binary",
        batch_size=BATCH,
        shuffle=shuffle,
        seed=1,
    )


def main() -> None:
    """Train and score it."""
    options = read_options()
    use_threads(options.threads)
    keras.utils.set_random_seed(1)
    data = pack(options.data, cache_dir=default_cache_dir())
    side = assign(split_from_file(data.table, options.split_file), data.table).to_numpy()
    files = data.table[["path", "patient", "label"]]
    ours, new = files[np.isin(side, ["train", "val"])], files[side == "test"].assign(split="test")
    started = time.perf_counter()
    train, held = train_test_split(ours, test_size=0.2, stratify=ours["label"], random_state=1)
    weight = compute_class_weight("balanced", classes=np.array([0, 1]), y=train["label"])
    model = build(options.weights)
    model.fit(
        flow(train, data.root, shuffle=True, augment=True),
        validation_data=flow(held, data.root, shuffle=False, augment=False),
        epochs=EPOCHS,
        class_weight=dict(enumerate(weight)),
        verbose=2,
    )
    minutes = (time.perf_counter() - started) / 60
    shuffled = flow(held, data.root, shuffle=True, augment=False)
    by_position = (model.predict(shuffled, verbose=0)[:, 0] >= 0.5) == held["label"].to_numpy()
    probability = model.predict(flow(new, data.root, shuffle=False, augment=False), verbose=0)[:, 0]
    found = evaluate(new.assign(probability=probability), {"default": 0.5}, model="student method")
    test = found["splits"]["test"]
    result = {
        "minutes": round(minutes, 2),
        "accuracy_by_position": float(by_position.mean()),
        "accuracy_random_files": float(model.evaluate(flow(held, data.root, shuffle=False, augment=False))[1]),
        "auc": test["auc"],
        **{name: test["operating_points"]["default"][name] for name in ("recall", "specificity", "f1")},
        "balanced_accuracy": test["operating_points"]["default"]["balanced_accuracy"],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(found, indent=1))
    new.assign(probability=probability).to_csv(options.out / "predictions.csv", index=False)
    (options.out / "summary.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
