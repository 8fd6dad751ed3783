"""Processes a product catalogue on Ray: what a ranker is trained on.

Keeps seven columns, drops rows with holes, parses specifications into JSON attributes and splits the category tree into
columns. Writes `products.csv` and, last of all, `manifest.json`: an output without a manifest is not complete. Nothing in
the output depends on the time, on the order of tasks or on the run's name, so the same input gives the same digest.

environment: INPUT_CSV, OUTPUT_FOLDER, CHUNK_ROWS (default 200)
"""

import csv
import hashlib
import json
import os
import re

import ray

KEPT = [
    "uniq_id", "product_name", "description", "brand", "image", "product_specifications", "product_category_tree",
]
LEVELS = 4
OUTPUT = ["uniq_id", "product_name", "description", "brand", "image", "attributes"] + [
    f"c{level}_name" for level in range(LEVELS)
]
PAIR = re.compile(r'\{"key"=>"([^"]*)", "value"=>"([^"]*)"\}')
QUOTED = re.compile(r'"([^"]*)"')


def parse_specifications(text: str) -> str:
    """Key and value pairs as a JSON object; values without a key say nothing and are left out."""
    return json.dumps(dict(PAIR.findall(text)), sort_keys=True, ensure_ascii=False)


def split_category_tree(text: str) -> list:
    """The first levels of the tree; missing ones are empty."""
    found = QUOTED.search(text)
    parts = [part.strip() for part in found.group(1).split(">>")] if found else []
    return (parts + [""] * LEVELS)[:LEVELS]


def process(row: dict) -> dict:
    image = QUOTED.search(row["image"])
    levels = split_category_tree(row["product_category_tree"])
    return {
        "uniq_id": row["uniq_id"],
        "product_name": row["product_name"],
        "description": " ".join(row["description"].split()),
        "brand": row["brand"],
        "image": image.group(1) if image else "",
        "attributes": parse_specifications(row["product_specifications"]),
        **{f"c{level}_name": name for level, name in enumerate(levels)},
    }


@ray.remote
def process_chunk(rows: list) -> list:
    kept = [{column: row[column] for column in KEPT} for row in rows]
    return [process(row) for row in kept if all(row.values())]


def sha256(path: str) -> str:
    with open(path, "rb") as file:
        return "sha256:" + hashlib.sha256(file.read()).hexdigest()


def write_last(path: str, content: str) -> None:
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def main() -> None:
    source, folder = os.environ["INPUT_CSV"], os.environ["OUTPUT_FOLDER"]
    size = int(os.environ.get("CHUNK_ROWS", "200"))
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = [column for column in KEPT if rows and column not in rows[0]]
    if missing:
        raise SystemExit(f"{source} has no such column: {', '.join(missing)}")
    ray.init()
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    # ray.get keeps the order of its arguments, whatever order the tasks end in.
    processed = [row for part in ray.get([process_chunk.remote(chunk) for chunk in chunks]) for row in part]
    os.makedirs(folder, exist_ok=True)
    products = os.path.join(folder, "products.csv")
    with open(products, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, OUTPUT, lineterminator="\n")
        writer.writeheader()
        writer.writerows(processed)
    manifest = {
        "inputs": [{"digest": sha256(source), "rows": len(rows)}],
        "outputs": [{"path": "products.csv", "digest": sha256(products)}],
        "columns": OUTPUT,
        "rows": len(processed),
        "parameters": {"kept": KEPT},
    }
    write_last(os.path.join(folder, "manifest.json"), json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    print(f"kept {len(processed)} of {len(rows)} rows in {len(chunks)} chunks")


if __name__ == "__main__":
    main()
