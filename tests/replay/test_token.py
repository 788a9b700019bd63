"""An access token goes to its upstream and to nobody else, wherever links and redirects lead."""

import pytest

from ingest.fetch import Patience, open_fetcher
from tests.replay.server import Answer, Request, as_json, running

SECRET = "the-token"


def sent(request: Request) -> str | None:
    return request.headers.get("authorization")


async def test_the_token_goes_to_the_upstream() -> None:
    with running(lambda request: as_json({})) as upstream:
        async with open_fetcher(Patience(), token=SECRET, base=upstream.url) as fetcher:
            await fetcher.get_json(f"{upstream.url}/search")
    assert sent(upstream.requests[0]) == f"Bearer {SECRET}"


@pytest.mark.parametrize("how", ["link", "redirect"])
async def test_the_token_does_not_go_to_another_host(how: str) -> None:
    with running(lambda request: as_json({})) as other:
        # The same machine by another name is another host.
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        redirect = Answer(status=302, headers={"location": f"{elsewhere}/there"})
        with running(lambda request: redirect) as upstream:
            async with open_fetcher(Patience(), token=SECRET, base=upstream.url) as fetcher:
                await fetcher.get_json(f"{elsewhere}/there" if how == "link" else f"{upstream.url}/here")
    assert [sent(request) for request in other.requests] == [None]
