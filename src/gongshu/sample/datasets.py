"""All tables of the county. The faults in them come with the people and firms they are about (`generate.DIRT`)."""

from __future__ import annotations

from .shapes import SOURCES, Column, Dataset, Source
from .tables_people import PEOPLE_TABLES
from .tables_places import PLACE_TABLES

DATASETS: tuple[Dataset, ...] = PEOPLE_TABLES + PLACE_TABLES

__all__ = ["DATASETS", "SOURCES", "Column", "Dataset", "Source"]
