-- What somebody has filled in for a task and not handed in. `person` is in small letters.
CREATE TABLE drafts (
    id     INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    task   TEXT NOT NULL,
    etag   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    body   TEXT NOT NULL,
    UNIQUE (person, task)
);
