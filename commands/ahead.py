"""Reading ahead: an iterator that blocks, run in a thread of its own, one element ahead of who uses it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Element(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


async def ahead(source: Iterable[T]) -> AsyncGenerator[T, None]:
    """Yield what an iterable yields, which is asked for the next element while the last one is used.

    The thread is a daemon: a program that gives up does not wait for a read of standard input that may never
    return. Close the generator (`contextlib.aclosing`) to have no further elements asked for.

    Raises:
        BaseException: whatever the iterable raised, after all that it yielded before.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[_Element[T] | _End] = asyncio.Queue()
    wanted = threading.Semaphore(0)
    stopped = threading.Event()

    def tell(found: _Element[T] | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            loop.call_soon_threadsafe(ready.put_nowait, found)

    def run() -> None:
        try:
            for value in source:
                tell(_Element(value))
                wanted.acquire()
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the elements are used
            tell(_End(error))
        else:
            tell(_End(None))

    threading.Thread(target=run, name="reading ahead", daemon=True).start()
    try:
        while isinstance(found := await ready.get(), _Element):
            wanted.release()
            yield found.value
        if found.error is not None:
            raise found.error
    finally:
        stopped.set()
        wanted.release()
