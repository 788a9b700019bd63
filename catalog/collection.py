"""The model of one collection definition: what a file under `catalog/collections/` may say."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Language = Literal["en", "ja"]

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]

Box = tuple[float, float, float, float]
Ring = Annotated[tuple[tuple[float, float], ...], Field(min_length=3)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalText(_Strict):
    """One text in both languages."""

    en: Text
    ja: Text


class LocalWords(_Strict):
    """Keywords in both languages."""

    en: tuple[Text, ...] = Field(min_length=1)
    ja: tuple[Text, ...] = Field(min_length=1)


class Link(_Strict):
    """A link that belongs to the collection itself, such as its licence."""

    rel: Text
    href: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    type: Text | None = None
    title: LocalText | None = None


class Provider(_Strict):
    """An organisation that had a part in the data."""

    name: Text
    roles: tuple[Literal["licensor", "producer", "processor", "host"], ...] = Field(min_length=1)
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None


class Extent(_Strict):
    """Where and when the data are.

    Attributes:
        bbox: west, south, east, north.
        start: RFC 3339 instant; the mission's first one where the product's is not known.
        end: the last instant, or None while it goes on.
    """

    bbox: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)
    start: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    end: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Extent":
        west, south, east, north = self.bbox
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("bbox must be west < east within ±180 and south < north within ±90")
        if self.end is not None and self.end < self.start:
            raise ValueError("end is before start")
        return self


class CollectionDefinition(_Strict):
    """One collection, in all its languages.

    Attributes:
        sources: native ids by name of the source, such as `{"gportal": ("10002015",)}`.
        footprint: what a record without geometry covers: `global` for the collection's whole extent, or a
            box (west, south, east, north), or the outline as pairs of longitude and latitude.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*$")]
    title: LocalText
    description: LocalText
    keywords: LocalWords
    license: Text
    links: tuple[Link, ...]
    providers: tuple[Provider, ...] = Field(min_length=1)
    citation: Text | None = None
    attribution: Text | None = None
    extent: Extent
    summaries: dict[str, list[Any] | dict[str, Any]] = Field(default_factory=dict)
    themes: tuple[str, ...] = ()
    footprint: Literal["global"] | Box | Ring | None = None
    sources: dict[str, tuple[Text, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _licensed(self) -> "CollectionDefinition":
        if not any(link.rel == "license" for link in self.links):
            raise ValueError("links: no link with rel `license`")
        return self
