"""What a producer of evidence needs to be believed: a sealed report, and the ConfigMap that a gate takes it from.

Stricter than reading one: a report that no gate could ever use is an error of its producer, and is told at once.
"""

from datetime import UTC
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AwareDatetime, Field

from aviary_crds.evidence import parse_report, report_value, seal_report
from aviary_crds.labels import REPORT_LABEL, REPORT_LABEL_VALUE
from aviary_crds.quantities import LabelName, ObjectName
from aviary_crds.rules import Rule, Text
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.gatechecks import ProducerName, ReportValueName
from aviary_crds.v1alpha1.references import ConfigMapKeyRef

DEFAULT_KEY: Final = "report.json"
"""Key of the ConfigMap under which a report lies unless the check names another."""


class Finding(SpecModel):
    """What a producer found out about one bot's present subject, or about the whole desk."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.bot) == has(self.digest)",
            message="bot and digest go together: both for one bot's present subject, neither for the whole desk",
            holds=lambda finding: (finding.bot is None) == (finding.digest is None),
        ),
    )

    producer: ProducerName = Field(description="Who found it")
    namespace: LabelName = Field(description="Namespace of the desk")
    bot: ObjectName | None = Field(default=None, description="Name of the TradingBot")
    digest: (
        Annotated[
            str,
            Text(
                pattern=r"^sha256:[a-f0-9]{64}$",
                message="the digest is the bot's status.digest: sha256: and 64 hex digits",
                max_length=71,
            ),
        ]
        | None
    ) = Field(default=None, description="The bot's status.digest when it was looked at")
    result: Literal["Pass", "Fail"] = Field(description="What the producer makes of it")
    values: dict[ReportValueName, str | int | bool] = Field(default_factory=dict, description="Figures by name")
    message: str = Field(default="", description="For people")
    time: AwareDatetime = Field(description="When what it says was true")


def build_report(finding: Finding) -> bytes:
    """Return the sealed report of a finding, canonical JSON: the same finding gives the same bytes.

    Raises:
        ValidationError: when it is no report, such as one with more than 256 values.
        ReportError: when it is too large, or a value is no finite number, so that no gate could compare it.
    """
    subject = {"namespace": finding.namespace, "bot": finding.bot, "digest": finding.digest}
    document = seal_report(
        {
            "schemaVersion": 1,
            "producer": finding.producer,
            "time": finding.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "subject": {key: value for key, value in subject.items() if value is not None},
            "result": finding.result,
            "values": finding.values,
            "message": finding.message,
        }
    )
    report = parse_report(document)
    for name in finding.values:
        report_value(report, name)
    return document


def build_report_config_map(document: bytes, place: ConfigMapKeyRef, *, namespace: str) -> dict[str, Any]:
    """Return the ConfigMap that holds a report where a check looks for it, with the label that attests it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": place.name, "namespace": namespace, "labels": {REPORT_LABEL: REPORT_LABEL_VALUE}},
        "data": {place.key: document.decode()},
    }
