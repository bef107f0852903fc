"""`harnessfix schema DOCUMENT`."""

import click

from harnessfix.cli import data

DOCUMENTS = ("htir", "recording", "harness", "diagnosis", "flaw", "repair-spec", "patch")


@click.command("schema")
@click.argument("document", type=click.Choice(DOCUMENTS), default="htir")
def command(document: str) -> None:
    """Print the JSON Schema of DOCUMENT."""
    from harnessfix_ir.document import Document
    from harnessfix_ir.findings import Diagnosis, FlawRecord, RepairSpec
    from harnessfix_ir.harness import HarnessModel
    from harnessfix_ir.htir import Htir
    from harnessfix_ir.recording import Recording
    from harnessfix_ir.serial import document_schema, json_schema
    from harnessfix_repairs.patch import Patch

    types: tuple[type[Document], ...] = (Htir, Recording, HarnessModel, Diagnosis, FlawRecord, RepairSpec, Patch)
    models: dict[str, type[Document]] = dict(zip(DOCUMENTS, types))
    data.dump(json_schema() if document == "htir" else document_schema(models[document]))
