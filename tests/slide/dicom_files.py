"""DICOM whole slide images made by a program, uncompressed, as small as they can be (PS3.3, A.32.8)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage, generate_uid

TILE = 64  # px


def new_uid() -> str:
    """Return a UID short enough to make others of it by a suffix; 64 characters are the most."""
    return str(generate_uid())[:60]


def _item(**values: object) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def _tiles(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % TILE), (0, -width % TILE), (0, 0)), mode="edge")
    rows, columns = padded.shape[0] // TILE, padded.shape[1] // TILE
    return [padded[r * TILE : (r + 1) * TILE, c * TILE : (c + 1) * TILE] for r in range(rows) for c in range(columns)]


def write_instance(
    path: Path,
    image: NDArray[np.uint8],
    *,
    series: str,
    mpp: float = 0.5,
    flavour: str = "VOLUME",
    sparse: bool = False,
    first: bool = True,
) -> Path:
    """Write one image of a slide.

    Args:
        path: the file.
        image: uint8 RGB (H, W, 3).
        series: UID; the same of all images of a slide.
        mpp: um/px of this image.
        flavour: third value of Image Type; "" leaves that out.
        sparse: whether each tile tells its place, in place of an order that all readers know.
        first: whether it is the finest of its slide.
    """
    height, width = image.shape[:2]
    tiles = _tiles(image)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = VLWholeSlideMicroscopyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = f"{series}.1", series
    data.FrameOfReferenceUID, data.DimensionOrganizationType = f"{series}.2", "TILED_SPARSE" if sparse else "TILED_FULL"
    data.Modality, data.PatientID, data.PatientName, data.StudyID = "SM", "P1", "P1", "1"
    data.PatientBirthDate = data.PatientSex = data.StudyDate = data.StudyTime = data.AccessionNumber = ""
    data.ReferringPhysicianName = data.SeriesNumber = ""
    data.Manufacturer = data.ManufacturerModelName = data.DeviceSerialNumber = data.SoftwareVersions = "drawn"
    data.InstanceNumber, data.ContentDate, data.ContentTime, data.AcquisitionDateTime = (
        1,
        "20260101",
        "0000",
        "20260101",
    )
    if flavour:
        data.ImageType = ["ORIGINAL" if first else "DERIVED", "PRIMARY", flavour, "NONE" if first else "RESAMPLED"]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.Rows = data.Columns = TILE
    data.NumberOfFrames = len(tiles)
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.BurnedInAnnotation, data.LossyImageCompression = 7, 0, "NO", "00"
    data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = width, height
    data.TotalPixelMatrixFocalPlanes = data.NumberOfOpticalPaths = 1
    data.TotalPixelMatrixOriginSequence = Sequence(
        [_item(XOffsetInSlideCoordinateSystem=0.0, YOffsetInSlideCoordinateSystem=0.0)]
    )
    data.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    data.ImagedVolumeWidth, data.ImagedVolumeHeight, data.ImagedVolumeDepth = width * mpp / 1e3, height * mpp / 1e3, 1.0
    data.FocusMethod, data.ExtendedDepthOfField, data.SpecimenLabelInImage, data.VolumetricProperties = (
        "AUTO", "NO", "NO", "VOLUME",
    )  # fmt: skip
    data.ContainerIdentifier = "1"
    data.SpecimenDescriptionSequence = Sequence([_item(SpecimenIdentifier="1", SpecimenUID=f"{series}.3")])
    data.AcquisitionContextSequence = data.IssuerOfTheContainerIdentifierSequence = Sequence([])
    code = _item(CodeValue="111744", CodingSchemeDesignator="DCM", CodeMeaning="Brightfield illumination")
    colour = _item(CodeValue="414298005", CodingSchemeDesignator="SCT", CodeMeaning="Full Spectrum")
    data.OpticalPathSequence = Sequence([
        _item(
            OpticalPathIdentifier="0", IlluminationTypeCodeSequence=Sequence([code]),
            IlluminationColorCodeSequence=Sequence([colour]), ICCProfile=b"\0\0",
        )
    ])  # fmt: skip
    measures = _item(PixelSpacing=[mpp / 1e3, mpp / 1e3], SliceThickness=0.001, SpacingBetweenSlices=0.001)
    data.SharedFunctionalGroupsSequence = Sequence([_item(PixelMeasuresSequence=Sequence([measures]))])
    if sparse:
        columns = -(-width // TILE)
        data.PerFrameFunctionalGroupsSequence = Sequence([_place(i // columns, i % columns) for i in range(len(tiles))])
    data.PixelData = np.stack(tiles).tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def _place(row: int, column: int) -> Dataset:
    place = _item(
        ColumnPositionInTotalImagePixelMatrix=column * TILE + 1, RowPositionInTotalImagePixelMatrix=row * TILE + 1,
        XOffsetInSlideCoordinateSystem=0.0, YOffsetInSlideCoordinateSystem=0.0, ZOffsetInSlideCoordinateSystem=0.0,
    )  # fmt: skip
    path = _item(OpticalPathIdentifier="0")
    return _item(PlanePositionSlideSequence=Sequence([place]), OpticalPathIdentificationSequence=Sequence([path]))
