"""Makes a small, synthetic product catalogue as CSV: the same bytes for the same seed.

Columns and their quirks are those of real retail exports: a category tree and specifications as text inside cells, image
lists as quoted text, prices that nobody needs here, and rows with holes in them.

usage: python make_catalogue.py OUTPUT.csv [ROWS] [SEED]
"""

import csv
import random
import sys

COLUMNS = [
    "uniq_id", "crawl_timestamp", "product_name", "product_category_tree", "retail_price", "discounted_price",
    "image", "description", "brand", "product_specifications",
]
KINDS = {
    "Clothing": {"Women's Wear": ["Dress", "Skirt", "Blouse"], "Men's Wear": ["Shirt", "Jacket", "Trousers"]},
    "Footwear": {"Women's Footwear": ["Sandals", "Boots"], "Men's Footwear": ["Sneakers", "Loafers"]},
    "Home": {"Kitchen": ["Kettle", "Pan"], "Living Room": ["Lamp", "Cushion"]},
}
BRANDS = ["Alder", "Birch & Co", "Cedar", "Dogwood", "Elm Street", ""]
COLOURS = ["Blue", "Black", "Cream", "Green", "Red"]
FABRICS = ["Cotton", "Linen", "Wool", "Leather", "Steel", "Oak"]


def specifications(pick: random.Random, kind: str) -> str:
    """Text of the shape {"product_specification"=>[{"key"=>"Colour", "value"=>"Blue"}, ...]}; sometimes without a key."""
    pairs = [("Colour", pick.choice(COLOURS)), ("Material", pick.choice(FABRICS)), ("Type", kind)]
    cells = [f'{{"key"=>"{key}", "value"=>"{value}"}}' for key, value in pairs]
    if pick.random() < 0.2:
        cells.append('{"value"=>"Pack of 1"}')
    return '{"product_specification"=>[' + ", ".join(cells) + "]}"


def row(pick: random.Random, number: int) -> dict:
    top = pick.choice(list(KINDS))
    middle = pick.choice(list(KINDS[top]))
    kind = pick.choice(KINDS[top][middle])
    brand = pick.choice(BRANDS)
    price = pick.randrange(300, 9000)
    name = f"{brand} {pick.choice(COLOURS)} {kind}".strip()
    cells = {
        "uniq_id": f"{pick.getrandbits(128):032x}",
        "crawl_timestamp": f"2026-01-{1 + number % 28:02d} 00:00:00 +0000",
        "product_name": name,
        "product_category_tree": f'["{top} >> {middle} >> {kind} >> {name}"]',
        "retail_price": price,
        "discounted_price": int(price * pick.uniform(0.4, 1)),
        "image": f'["http://img.example.com/{number}-1.jpeg", "http://img.example.com/{number}-2.jpeg"]',
        "description": f"Key features of {name}: made for every day, easy to care for, number {number} of its kind.",
        "brand": brand,
        "product_specifications": specifications(pick, kind),
    }
    if pick.random() < 0.05:
        cells["product_specifications"] = ""
    if pick.random() < 0.03:
        cells["description"] = ""
    return cells


def main() -> None:
    output = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    pick = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    with open(output, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(pick, number) for number in range(rows))


if __name__ == "__main__":
    main()
