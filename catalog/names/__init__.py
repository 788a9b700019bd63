"""What product names say: mission, instrument, times, orbits, tile and version, read by grammars that are data.

    parse_name("S2A_MSIL2A_20240116T000741_N0510_R130_T51CVP_20240116T010505.SAFE").grid  # MGRS-51CVP

The grammars stand in the YAML files beside this module, one file per agency; `grammar.py` is the engine
that reads them. A name fills gaps only: where a catalogue says something itself, the catalogue is right.
"""

from catalog.names.grammar import families, format_name, parse_name, product_key, version_chains
from catalog.names.product import ProductName

__all__ = ["ProductName", "families", "format_name", "parse_name", "product_key", "version_chains"]
