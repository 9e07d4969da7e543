"""The JSON Schema of a report, for producers in other languages.

It says the form. It cannot say that ``sha256`` is right, that no key stands twice, or that a time has a zone:
``python -m aviary_crds report --check`` does.
"""

from typing import Any, Final, override

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from aviary_crds.evidence import LONGEST_REPORT_BYTES, Report

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _PlainSchema(GenerateJsonSchema):
    """pydantic's generator, without titles that repeat a name, and with absent for what pydantic calls null."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    @override
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        body = super().default_schema(schema)
        return {key: value for key, value in body.items() if key != "default" or value is not None}


def build_report_schema() -> dict[str, Any]:
    """Return the schema of a whole report."""
    body = Report.model_json_schema(by_alias=True, mode="validation", schema_generator=_PlainSchema)
    told = f"What a producer of evidence says to a PromotionGate; at most {LONGEST_REPORT_BYTES} bytes."
    return {"$schema": _DIALECT, **body, "title": "Report 1", "description": told}
