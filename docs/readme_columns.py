"""Writes the columns of every table into the README, between two marks."""

from __future__ import annotations

from pathlib import Path

from chatbotx_source.tables.columns import TABLES, Table

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- columns: begin -->\n", "<!-- columns: end -->\n"


def rendered() -> str:
    """Renders the section of the README from the declarations of the tables."""
    return "\n".join(_section(table) for table in TABLES.values())


def with_columns(readme: str) -> str:
    """Puts a new section into the README."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{rendered()}{END}{after}"


def _section(table: Table) -> str:
    keys = " + ".join(f"`{name}`" for name in table.primary_key) or "none"
    lines = [
        f"<details><summary><code>{table.name}</code>: {table.description}</summary>",
        "",
        f"Key: {keys}. dlt write disposition: {table.write_disposition}.",
        "",
        "| column | type | |",
        "|---|---|---|",
    ]
    lines += [f"| `{c.name}` | {c.type} | {c.description} |" for c in table.columns]
    return "\n".join([*lines, "", "</details>", ""])


if __name__ == "__main__":
    README.write_text(with_columns(README.read_text("utf-8")), "utf-8")
