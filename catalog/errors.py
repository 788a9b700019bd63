"""Every error that Kakehashi raises on purpose.

    KakehashiError
    ├── ConfigurationError        a setting or a file of ours is wrong; names it
    ├── StoreError                the database
    │   ├── ClusterError          the private PostgreSQL cannot be made, started or used
    │   ├── DatabaseBusy          all connections are in use, and enough requests wait for one
    │   ├── DatabaseUnreachable   no connection, or it was lost
    │   ├── MigrationError        the schema could not be brought up to date
    │   ├── QueryTimeout          a query ran longer than allowed
    │   └── WriteRefused          the database does not take what is written to it
    ├── InvalidRequest            a client asked for something malformed; names the parameter
    ├── NotFound                  no such collection or item
    ├── Conflict                  what a client would add is there already, or is still in use
    ├── DefinitionError           a file under catalog/ is not valid
    ├── UpstreamError             an upstream did not give what was asked
    │   ├── UpstreamUnavailable   unreachable, or answering 429/5xx beyond our patience
    │   ├── TooManyResults        it has more than can be listed or taken at once: ask for less
    │   └── UpstreamChanged       it answered, but not in the form that we know
    └── RecordRefused             one record cannot become an item; the run goes on

The text of an error is one line a person can act on. `app.errors` turns them into HTTP, `cli`
into an exit status; nobody else translates them.
"""


class KakehashiError(Exception):
    """Root of the hierarchy drawn above."""


class ConfigurationError(KakehashiError):
    """A setting, an argument or a file that the operator controls is wrong."""


class StoreError(KakehashiError):
    """Something about the database."""


class ClusterError(StoreError):
    """The private PostgreSQL cluster cannot be created, started or used."""


class DatabaseUnreachable(StoreError):
    """No connection to the database could be had, or it was lost."""


class DatabaseBusy(StoreError):
    """All connections were in use for longer than a request waits, or too many wait already."""


class MigrationError(StoreError):
    """The database schema could not be brought up to date; nothing was changed."""


class QueryTimeout(StoreError):
    """A query was cut off because it ran longer than the statement timeout."""


class WriteRefused(StoreError):
    """The database does not take a value or an item; nothing of the batch was written."""


class InvalidRequest(KakehashiError):
    """A request that cannot be answered as asked.

    Attributes:
        parameter: the query or body parameter at fault, by the name the client used.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter = parameter
        self.reason = reason
        super().__init__(f"{parameter}: {reason}")


class NotFound(KakehashiError):
    """No such collection or item in the catalogue."""


class Conflict(KakehashiError):
    """A client would add what is there already, or delete what is still in use."""


class DefinitionError(KakehashiError):
    """A definition file under `catalog/` is not valid; the text names file and field."""


class UpstreamError(KakehashiError):
    """An upstream did not give what was asked of it."""


class UpstreamUnavailable(UpstreamError):
    """Unreachable, or answering 429 or 5xx for longer than the retries last.

    Attributes:
        after_s: seconds after which it asked to be tried again, if it did.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(reason)


class TooManyResults(UpstreamError):
    """It has more than it lists in one go, or than one window of the harvest takes.

    Attributes:
        count: how many it says there are, if it does.
    """

    def __init__(self, reason: str, count: int | None = None) -> None:
        self.count = count
        super().__init__(reason)


class UpstreamChanged(UpstreamError):
    """It answered, but not in the form that its adapter knows."""


class RecordRefused(KakehashiError):
    """One native record cannot become an item.

    Attributes:
        code: a short stable word for counting, such as `no-geometry`.
        reason: one sentence for a person, naming the field and the value.
    """

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}")
