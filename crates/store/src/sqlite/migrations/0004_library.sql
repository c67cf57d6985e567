-- Named workflows. What a revision holds stands in `definitions` under its hash.
CREATE TABLE workflows (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    newest     INTEGER NOT NULL,
    -- What somebody says about it; without it the text of the newest revision speaks for itself.
    note       TEXT,
    labels     TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    deleted_by TEXT
);

-- `bytes` is there only where the same revision was written differently: then `definitions` has another's text.
CREATE TABLE revisions (
    id          INTEGER PRIMARY KEY,
    workflow    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    revision    TEXT NOT NULL,
    draft       INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    who         TEXT NOT NULL,
    message     TEXT NOT NULL,
    description TEXT NOT NULL,
    steps       TEXT NOT NULL,
    bytes       BLOB,
    UNIQUE (workflow, number)
);

-- Which workflows the newest revision of one calls by name.
CREATE TABLE calls (
    callee   TEXT NOT NULL COLLATE NOCASE,
    workflow INTEGER NOT NULL,
    PRIMARY KEY (callee, workflow)
) WITHOUT ROWID;
CREATE INDEX calls_of ON calls (workflow);

-- What was done to workflows, by whom.
CREATE TABLE changes (
    id       INTEGER PRIMARY KEY,
    workflow INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL,
    what     TEXT NOT NULL,
    number   INTEGER NOT NULL,
    detail   TEXT NOT NULL
);
CREATE INDEX changes_of ON changes (workflow);

-- The revisions that files are, when they were saved from there or exported to there. Workflow 0: not to be saved.
CREATE TABLE origins (
    file     TEXT NOT NULL,
    workflow INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    PRIMARY KEY (file, workflow)
) WITHOUT ROWID;

-- Words of the workflows that are not deleted, in small letters and parted by spaces already.
CREATE VIRTUAL TABLE words USING fts5 (name, labels, description, steps, tokenize = 'ascii');
