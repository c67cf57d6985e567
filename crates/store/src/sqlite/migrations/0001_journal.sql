-- What only one row has: the fence.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('fence', 0);

-- Streams, each once: other tables name them by the number. `head` is what lists show (JSON), the columns
-- beside it are what lists are filtered by. A row is written when its stream is new, when a listed value
-- changes, or when the due time does: not at every turn.
CREATE TABLE heads (
    id       INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL UNIQUE,
    due      INTEGER,
    open     INTEGER NOT NULL DEFAULT 0,
    top      INTEGER NOT NULL DEFAULT 0,
    status   TEXT,
    outcome  TEXT,
    workflow TEXT,
    head     TEXT
);
CREATE INDEX heads_due ON heads (due) WHERE due IS NOT NULL;
CREATE INDEX heads_open ON heads (open) WHERE open = 1;

-- One row per turn, in the order of commits. Events are numbered within their stream, without gaps: `seq`
-- is the row's first, `last` its last. The index is by `last`, so that the row of any event, the rows
-- behind a snapshot and the stream's last number are each one search.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    stream   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    cause    TEXT NOT NULL,
    events   BLOB NOT NULL,
    hash     BLOB NOT NULL
);
CREATE UNIQUE INDEX journal_of_stream ON journal (stream, last);

-- Messages under way. The receiver may not have a row in `heads` yet, so it is named in full.
CREATE TABLE inbox (
    arrival INTEGER PRIMARY KEY,
    stream  TEXT NOT NULL,
    id      TEXT NOT NULL,
    sender  TEXT NOT NULL,
    body    TEXT NOT NULL,
    UNIQUE (stream, id)
);

-- The newest snapshot of a stream. A cache.
CREATE TABLE snapshots (
    stream INTEGER PRIMARY KEY,
    format INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    state  BLOB NOT NULL
);

-- Effects that leave the process.
CREATE TABLE jobs (
    id     TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    kind   TEXT NOT NULL,
    body   TEXT NOT NULL,
    tries  INTEGER NOT NULL DEFAULT 0,
    epoch  INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease  INTEGER
) WITHOUT ROWID;

CREATE TABLE definitions (
    revision TEXT PRIMARY KEY,
    bytes    BLOB NOT NULL
);
