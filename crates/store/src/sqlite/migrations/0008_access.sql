-- What somebody is known by who asks from elsewhere: tokens, and sessions of browsers. Of the secret only a hash is
-- kept. `person` is the one name of the history.
CREATE TABLE access_keys (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    person     TEXT NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    ended_at   INTEGER,
    ended_by   TEXT
) WITHOUT ROWID;
CREATE INDEX access_keys_of ON access_keys (person, kind);

-- Passwords, as a slow hash says them.
CREATE TABLE access_passwords (
    person TEXT PRIMARY KEY,
    hash   TEXT NOT NULL,
    at     INTEGER NOT NULL
) WITHOUT ROWID;

-- What is written down nowhere else: keys that were made and ended, passwords that were set, who was not let in.
CREATE TABLE access_log (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    means   TEXT NOT NULL,
    what    TEXT NOT NULL,
    about   TEXT NOT NULL,
    refused TEXT
);
