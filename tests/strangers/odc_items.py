"""odc-stac parses the items of every collection. `odc_items.py URL`."""

import sys
import warnings

import odc.stac
import pystac_client

warnings.simplefilter("ignore")
client = pystac_client.Client.open(sys.argv[1])
parsed = 0
for collection in client.get_collections():
    for item in client.search(collections=[collection.id], max_items=5).items():
        # One by one: it takes all items of a list to be made alike, which those of an altimeter are not.
        [found] = odc.stac.parse_items([item])
        assert found.id == item.id
        assert found.geometry is not None, item.id
        parsed += 1
print(f"{parsed} items parsed")
assert parsed > 100
