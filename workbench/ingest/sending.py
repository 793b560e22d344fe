"""What was gathered on its way to the gateway: encoded, searched for anything of its source, and only then sent.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.connection import Connection
from workbench.errors import IngestRefused
from workbench.governance.canonical import canonical_json
from workbench.ingest.delivery import Delivery, send_object, send_scan, send_table
from workbench.ingest.gathering import Choices, Gathered
from workbench.ingest.labels.encoding import encode_labels
from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.report_pictures import Picture, contact_sheet, upright
from workbench.ingest.series.volumes import Place, SourceVolume, encode_scan
from workbench.ingest.verify.identity import SourceIdentity
from workbench.ingest.verify.objects import check_objects
from workbench.ingest.verify.policy import load_policy


@dataclass
class Shipment:
    """Sends what was gathered.

    Parameters
    ----------
    line : Connection
        To the gateway.
    delivery : Delivery
        The open ingest.
    gathered : Gathered
        What comes in.
    choices : Choices
        How.

    Attributes
    ----------
    sheets : dict
        The pictures of each scan that came in, by its id, for the report.
    """

    line: Connection
    delivery: Delivery
    gathered: Gathered
    choices: Choices
    sheets: dict[str, tuple[Picture, ...]] = field(default_factory=dict)
    _identities: dict[str, SourceIdentity] = field(default_factory=dict)

    def send_volume(self, volume: SourceVolume, place: Place, labels: Sequence[LabelSet]) -> dict[str, Any]:
        """Read, encode, check and send a volume with its labels; gives its facts.

        A volume that has arrived whole before a kill is read again for its pictures alone.

        Raises
        ------
        IngestRefused
            When its pixels cannot be used, or something of the source was found in what would be sent.
        """
        voxels = volume.read()
        if isinstance(voxels, Refusal):
            raise refuse([voxels])
        done = self.delivery.done_scans.get(volume.uid)
        if done is None or done.get("scan") != place.scan:
            objects, facts = encode_scan(volume, voxels, place, self.choices.profile)
            encoded = self.encode_labels(volume, place, labels)
            folder = f"scans/{place.scan}/"
            self.check(
                volume,
                {
                    f"{folder}scan.json": canonical_json(facts),
                    **{f"{folder}image.zarr/{key}": data for key, data in objects.items()},
                    **encoded,
                },
            )
            inner = {path.removeprefix(f"{folder}labels/"): data for path, data in encoded.items()}
            send_scan(self.line, self.delivery.id, facts, objects, labels=inner)
        else:
            facts = done
        shown, spacing_mm = upright(voxels.values, volume.grid)
        self.sheets[place.scan] = contact_sheet(shown, spacing_mm, modality=volume.modality, window=facts["window"])
        return facts

    def send_labels(self, volume: SourceVolume, place: Place, labels: Sequence[LabelSet]) -> int:
        """Check and send labels of a scan that the dataset has already; gives how many are new to it.

        Labels that are there already stay under the name that they have; a new one gets the next free name.
        """
        known, sent = dict(self.delivery.known_labels.get(place.scan, {})), 0
        for one in labels:
            encoded = self.encode_labels(volume, place, [one])
            voxels = encoded[f"scans/{place.scan}/labels/{one.name}.zarr/0/c/0/0/0"]
            if (digest := hashlib.sha256(voxels).hexdigest()) in known.values():
                continue
            name = _free(one.name, known)
            known[name], sent = digest, sent + 1
            encoded = self.encode_labels(volume, place, [one.named(name)])
            self.check(volume, encoded)
            for path, data in encoded.items():
                send_object(self.line, self.delivery.id, path, data, subject=place.subject)
        return sent

    def send_tables(self, subjects: Mapping[str, str]) -> None:
        """Send the tables, each subject's rows under the subject's own key; they were checked when they were read."""
        for table in self.gathered.tables:
            send_table(self.line, self.delivery.id, table.name, table.schema, table.by_subject(subjects))

    def encode_labels(self, volume: SourceVolume, place: Place, labels: Sequence[LabelSet]) -> dict[str, bytes]:
        """Give the objects of a scan's labels by path."""
        encoded: dict[str, bytes] = {}
        for one in labels:
            encoded |= encode_labels(one, volume.grid, place.scan)
        return encoded

    def check(self, volume: SourceVolume, objects: Mapping[str, bytes]) -> None:
        """Search what would be sent for anything that the volume's source says; compressed voxels hold no words."""
        texts = {path: data for path, data in objects.items() if path.endswith(".json")}
        identity = self.identity_of(volume)
        cleaner = self.gathered.found.cleaners.get(volume.patient)
        shifted = {f"{cleaner.pseudonyms.day(day):%Y%m%d}" for day in identity.dates} if cleaner else set()
        findings = check_objects(identity, texts, expected=shifted)
        if findings:
            places = ", ".join(sorted({f"{one.rule} in {one.file}" for one in findings})[:5])
            raise IngestRefused(
                f"The verifier found something of the source in what would be kept ({places}), so nothing was "
                "ingested. Give a profile that keeps less, such as --profile basic, and report this.",
                code="verifier-findings",
            )

    def identity_of(self, volume: SourceVolume) -> SourceIdentity:
        """Collect what the files of a volume, and the labels on it, say; read anew by the verifier's own parser."""
        known = self._identities.get(volume.source_uid)
        if known is None:
            # One at a time: the words of a hundred thousand files would fill the memory.
            self._identities.clear()
            known = self._identities[volume.source_uid] = SourceIdentity(load_policy(self.choices.policy))
            for name in volume.files:
                if volume.instances:
                    known.add(self.gathered.folder / name)
                else:
                    # An image file has no header to read; its name alone may tell of a person.
                    known.add_text(name)
            for source in self.gathered.found.labels:
                if volume.source_uid in source.series:
                    known.add(source.path)
        return known


def _free(name: str, taken: Collection[str]) -> str:
    """Give the name, or with the next number at its end when it is taken.

    >>> _free("seg-1", {"seg-1", "seg-2"})
    'seg-3'
    """
    kind, _, number = name.rpartition("-")
    while name in taken and number.isdigit():
        number = str(int(number) + 1)
        name = f"{kind}-{number}"
    return name
