"""What product names say: mission, instrument, times, orbits, tile and version, read by grammars that are data.

    parse_name("S2A_MSIL2A_20240116T000741_N0510_R130_T51CVP_20240116T010505.SAFE").grid  # MGRS-51CVP

The grammars stand in the YAML files beside this module, one file per agency; `grammar.py` reads
them, `forms.py` matches names, `reading.py` says what they mean. A name fills gaps only: where a catalogue says something itself, the catalogue is right.
"""

from catalog.names.grammar import families
from catalog.names.product import ProductName
from catalog.names.reading import format_name, parse_name, product_key
from catalog.names.versions import Version, version_chains, version_of

__all__ = [
    "ProductName",
    "Version",
    "families",
    "format_name",
    "parse_name",
    "product_key",
    "version_chains",
    "version_of",
]
