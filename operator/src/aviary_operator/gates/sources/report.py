"""Source ``report``: a document in a ConfigMap, behind HTTP on an allowed host, or on the reports volume."""

import asyncio
import os
import stat
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, override

from aviary_crds.evidence import LONGEST_REPORT_BYTES
from aviary_crds.labels import REPORT_LABEL, REPORT_LABEL_VALUE
from aviary_crds.v1alpha1.gatechecks import FileReport, HttpReport, ReportSource
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.references import ConfigMapKeyRef
from yarl import URL

from aviary_operator.gates.measurement import NoValue, Silence
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.gates.sources.reports import Expected, judge_report, missing_report
from aviary_operator.runtime.documents import DOCUMENT_TIMEOUT_SECONDS, DocumentError, DocumentHttp
from aviary_operator.runtime.kinds import CONFIG_MAP
from aviary_operator.runtime.kube import ApiError, KubeApi

_OK: Final = 200
_NOT_FOUND: Final = 404
_GONE: Final = 410


class UnreadableError(Exception):
    """A document that could not be read, or is nobody's word; ``reason`` is one CamelCase word."""

    def __init__(self, reason: str, message: str, *, state: NoValue = CheckState.ERRORED) -> None:
        super().__init__(message)
        self.reason = reason
        self.state = state


class ReportReader(Source):
    """Reads documents. Files are read in threads of its own: a volume that hangs holds up nothing else."""

    def __init__(self, kube: KubeApi, http: DocumentHttp, *, hosts: Collection[str], folder: Path | None) -> None:
        self._kube = kube
        self._http = http
        self._hosts = frozenset(host.lower() for host in hosts)
        self._folder = folder
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="reports")

    def close(self) -> None:
        """End the threads; one that hangs is left to the process's end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @override
    async def read(self, question: Question) -> Answer:
        source = question.check.report
        if source is None:
            raise ValueError(f"check {question.check.name} is not of source report")
        expected = Expected(source.producer, source.value, source.scope, where_is(source, question.namespace))
        try:
            raw = await self._fetch(source, question.namespace)
        except UnreadableError as error:
            return Silence(
                state=error.state,
                reason=error.reason,
                message=f"{expected.where}: {error}"[:500],
                query=expected.where,
            )
        if raw is None:
            return missing_report(expected, query=expected.where)
        return judge_report(raw, expected, question)

    async def _fetch(self, source: ReportSource, namespace: str) -> bytes | None:
        if source.config_map is not None:
            return await self._fetch_config_map(source.config_map, namespace)
        if source.http is not None:
            return await self._fetch_http(source.http)
        if source.file is not None:
            return await self._fetch_file(source.file)
        raise UnreadableError("NoPlace", "the check names no place")  # the kind's rules refuse it

    async def _fetch_config_map(self, reference: ConfigMapKeyRef, namespace: str) -> bytes | None:
        try:
            async with asyncio.timeout(DOCUMENT_TIMEOUT_SECONDS):
                found = await self._kube.get(CONFIG_MAP, namespace, reference.name)
        except ApiError as error:
            raise UnreadableError("ApiError", str(error)) from error
        except TimeoutError as error:
            raise UnreadableError("TooSlow", "the API server did not answer in time") from error
        if found is None:
            return None
        labels = (found.get("metadata") or {}).get("labels") or {}
        if labels.get(REPORT_LABEL) != REPORT_LABEL_VALUE:
            raise UnreadableError(
                "NotAttested",
                f'it lacks the label {REPORT_LABEL}: "{REPORT_LABEL_VALUE}", so whoever may write ConfigMaps may have '
                "written it: let the producer apply it with the label, as a subject of the ClusterRole aviary-producer",
                state=CheckState.INCONCLUSIVE,
            )
        text = (found.get("data") or {}).get(reference.key)
        return text.encode() if isinstance(text, str) else None

    async def _fetch_http(self, place: HttpReport) -> bytes | None:
        url = URL(place.url)
        host = (url.host or "").lower()
        if not self._hosts & {host, f"{host}:{url.port}"}:
            raise UnreadableError(
                "HostNotAllowed",
                f"the operator may not ask {host}:{url.port}: add it to gates.reportHosts of the chart",
            )
        try:
            answer = await self._http.fetch(place.url, query={}, headers={}, limit=LONGEST_REPORT_BYTES)
        except DocumentError as error:
            raise UnreadableError(error.reason, str(error)) from error
        if answer.status in {_NOT_FOUND, _GONE}:
            return None
        if answer.status != _OK:
            raise UnreadableError("HttpStatus", f"answered {answer.status}")
        return answer.body

    async def _fetch_file(self, place: FileReport) -> bytes | None:
        if self._folder is None:
            raise UnreadableError("NoReportsVolume", "no reports volume: set gates.reports.existingClaim of the chart")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DOCUMENT_TIMEOUT_SECONDS):
                return await loop.run_in_executor(self._threads, read_below, self._folder, place.path)
        except TimeoutError as error:
            raise UnreadableError("TooSlow", "the reports volume did not answer in time") from error


def where_is(source: ReportSource, namespace: str) -> str:
    """Return where the document of a check is looked for, for people."""
    if source.config_map is not None:
        return f"ConfigMap {namespace}/{source.config_map.name} key {source.config_map.key}"
    if source.http is not None:
        return source.http.url
    return f"reports volume, {source.file.path}" if source.file is not None else "nowhere"


def read_below(folder: Path, path: str) -> bytes | None:
    """Return the regular file at ``path`` below ``folder``, None when there is none.

    Where it really lies is asked of the open file, not of the path: a link that is changed meanwhile leads nowhere.

    Raises:
        UnreadableError: when it lies outside, is no regular file, is too large or cannot be read.
    """
    try:
        root = folder.resolve(strict=True)
        number = os.open(root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableError("Unreadable", str(error)) from error
    try:
        with os.fdopen(number, "rb") as file:
            real = Path(f"/proc/self/fd/{file.fileno()}").readlink()
            if not real.is_relative_to(root):
                raise UnreadableError("OutsideVolume", "the path leads out of the reports volume")
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError("NotAFile", "it is no regular file")
            return file.read(LONGEST_REPORT_BYTES + 1)
    except IsADirectoryError as error:  # Python opens no directory, whatever the flags were
        raise UnreadableError("NotAFile", "it is no regular file") from error
    except OSError as error:
        raise UnreadableError("Unreadable", str(error)) from error
